import { describe, expect, test } from 'vitest';
import { explainIgnored, explainNotice } from '../../lib/core/explain-notice.ts';
import { jobId, nodeId, zone } from '../../lib/core/ids.ts';
import {
  type Answer,
  answerMachines,
  type MachineNotice,
  type UrgencyJob,
  type UrgencyNode,
  type ZoneNotice,
} from '../../lib/core/notice.ts';
import { epochMillis } from '../../lib/core/units.ts';
import { urgencyUnder } from '../../lib/core/urgency.ts';
import { answerZone } from '../../lib/core/zone-notice.ts';

const minute = 60_000;
const at = epochMillis(100 * minute);
const policy = { softDeadlineMs: 60 * minute, zonePauseMsMax: 360 * minute };

const node = (id: string, over: Partial<UrgencyNode> = {}): UrgencyNode => ({
  ...{ id: nodeId(id), instance: `i-${id}`, state: 'active', heardAt: 0 },
  ...over,
});
const drain = (over: Partial<UrgencyJob> = {}): UrgencyJob => ({
  ...{ id: jobId('J'), kind: 'drain', nodes: ['a'], deadline: 0, priority: 5, mustLeave: false },
  ...over,
});
const notice = (
  kind: MachineNotice['kind'],
  instances: readonly string[] = ['i-a'],
  dueAt?: number,
): MachineNotice =>
  ({ kind, instances, at, ...(dueAt !== undefined && { dueAt }) }) as MachineNotice;
const spot = notice('spot-interruption');

/** As one line: what, of whom, minutes from the notice to the deadline, priority, whether it must. */
function said(answer: Answer): string {
  if (answer.kind === 'ignore') return answer.why.kind;
  if (answer.kind !== 'drain' && answer.kind !== 'hasten') return answer.kind;
  const { deadline, priority, mustLeave } = answer.haste;
  const whom = answer.kind === 'drain' ? answer.nodes.join('+') : answer.job;
  return `${answer.kind} ${whom} ${(deadline - at) / minute} ${priority} ${mustLeave ? 'must' : 'may'}`;
}
const answers = (
  heard: MachineNotice,
  nodes: readonly UrgencyNode[] = [node('a')],
  jobs: readonly UrgencyJob[] = [],
  minutesLate = 0,
) => answerMachines(heard, nodes, jobs, policy, epochMillis(at + minutesLate * minute)).map(said);

describe('a machine that will go', () => {
  test.each<[behaviour: string, heard: MachineNotice, answer: string[]]>([
    ['by a spot warning: two minutes', spot, ['drain a 2 10 must']],
    [
      'by a recommendation: soon, if it can',
      notice('rebalance-recommendation'),
      ['drain a 60 7 may'],
    ],
    [
      'by a retirement: its date',
      notice('retirement', ['i-a'], at + 14 * minute),
      ['drain a 14 8 must'],
    ],
    ['by a retirement without a date: soon', notice('retirement'), ['drain a 60 8 must']],
    ['named twice: once', notice('spot-interruption', ['i-a', 'i-a']), ['drain a 2 10 must']],
    [
      'with a stranger: alone',
      notice('retirement', ['i-a', 'i-x']),
      ['drain a 60 8 must', 'unknown-instance'],
    ],
    ['of another fleet: not at all', notice('spot-interruption', ['i-x']), ['unknown-instance']],
  ])('is drained %s', (_behaviour, heard, answer) => expect(answers(heard)).toEqual(answer));

  test('together with the others of one notice', () => {
    const heard = notice('retirement', ['i-a', 'i-b', 'i-c'], at + 99 * minute);
    const nodes = [node('a'), node('b', { state: 'gone' }), node('c')];
    expect(answers(heard, nodes)).toEqual(['drain a+c 99 8 must', 'not-in-service']);
  });

  test.each(['launched', 'joining', 'drained', 'terminating', 'gone', 'dead'] as const)(
    'is left alone when it is %s',
    (state) => expect(answers(spot, [node('a', { state })])).toEqual(['not-in-service']),
  );
});

describe('a notice that comes twice or late', () => {
  test.each<[behaviour: string, heard: MachineNotice, minutesLate: number, answer: string]>([
    ['a spot warning in its last second', spot, 1.99, 'drain a 2 10 must'],
    ['a spot warning after its time', spot, 2, 'too-late'],
    ['a recommendation after its time', notice('rebalance-recommendation'), 61, 'too-late'],
    ['a retirement that is overdue', notice('retirement', ['i-a'], at), 600, 'drain a 0 8 must'],
  ])('%s', (_behaviour, heard, late, answer) =>
    expect(answers(heard, [node('a')], [], late)).toEqual([answer]),
  );

  test.each<[behaviour: string, heardAt: number, jobs: UrgencyJob[], answer: string]>([
    ['twice while its drain runs', at, [drain({ deadline: 1, priority: 10 })], 'already-sooner'],
    ['twice, after an operator cancelled its drain', at, [], 'heard-already'],
    ['anew, later than the one that was heard', at - 1, [], 'drain a 2 10 must'],
  ])('%s', (_behaviour, heardAt, jobs, answer) =>
    expect(answers(spot, [node('a', { heardAt })], jobs)).toEqual([answer]),
  );
});

describe('a drain that runs is hastened, never slowed', () => {
  const draining = [node('a', { state: 'draining' })];
  const soon = at + minute;
  test.each<[behaviour: string, job: Partial<UrgencyJob>, answer: string]>([
    ['without a deadline', {}, 'hasten J 2 10 must'],
    ['with a later deadline', { deadline: at + 9 * minute }, 'hasten J 2 10 must'],
    ['with a sooner deadline', { deadline: soon, priority: 6 }, 'hasten J 1 10 must'],
    ['only to be surer', { deadline: soon, priority: 10 }, 'hasten J 1 10 must'],
    ['not at all', { deadline: soon, priority: 10, mustLeave: true }, 'already-sooner'],
    ['as a scale-in', { kind: 'scale-in' }, 'hasten J 2 10 must'],
    ['not as a repair of other nodes', { kind: 'repair' }, 'drain a 2 10 must'],
  ])('%s', (_behaviour, job, answer) =>
    expect(answers(spot, draining, [drain(job)])).toEqual([answer]),
  );

  test('before its nodes are cordoned too', () =>
    expect(answers(spot, [node('a')], [drain()])).toEqual(['hasten J 2 10 must']));
});

describe('a zone', () => {
  const z = zone('z1');
  const heard = (kind: ZoneNotice['kind']): ZoneNotice => ({ kind, zone: z, at });
  const answer = (kind: ZoneNotice['kind'], impairedAt = 0, recoveredAt = 0, minutesLate = 0) =>
    answerZone(
      heard(kind),
      { impairedAt, recoveredAt },
      policy,
      epochMillis(at + minutesLate * minute),
    );

  test('that is impaired is paused, for so long at most', () => {
    const until = at + 360 * minute;
    expect(answer('zone-impaired')).toEqual({ kind: 'pause-zone', zone: z, until });
    expect(answer('zone-impaired', 0, 0, 300)).toMatchObject({ until });
  });

  test.each<[behaviour: string, answered: Answer, what: string]>([
    ['recovers', answer('zone-recovered', at - 1), 'resume-zone'],
    ['is ill again', answer('zone-impaired', at - 9, at - 1), 'pause-zone'],
    ['is called ill twice', answer('zone-impaired', at), 'said-already'],
    ['is called ill after it recovered', answer('zone-impaired', 0, at + 1), 'said-already'],
    ['recovers from an older illness', answer('zone-recovered', at + 1), 'said-already'],
    ['is called ill far too late', answer('zone-impaired', 0, 0, 361), 'pause-over'],
  ])('that %s', (_behaviour, answered, what) => expect(said(answered)).toBe(what));
});

test.each<[planned: Parameters<typeof urgencyUnder>[0], deadline: number, urgency: string]>([
  ['low', 0, 'low'],
  ['normal', 0, 'normal'],
  ['normal', 1, 'high'],
  ['low', 1, 'high'],
  ['critical', 1, 'critical'],
])('a %s batch of a job with deadline %i is sent as %s', (planned, deadline, urgency) =>
  expect(urgencyUnder(planned, deadline)).toBe(urgency),
);

test('everything explains itself, with its numbers', () => {
  expect(explainNotice(spot, at + 120_000)).toBe(
    'EC2 takes a spot instance back, as it said of i-a at 1970-01-01T01:40:00.000Z, to be done by 1970-01-01T01:42:00.000Z',
  );
  expect(explainNotice({ kind: 'zone-impaired', zone: zone('z'), at })).toBe(
    'AWS says that zone z is impaired, at 1970-01-01T01:40:00.000Z',
  );
  const [late] = answerMachines(spot, [node('a')], [], policy, epochMillis(at + 3 * minute));
  expect(late?.kind === 'ignore' && explainIgnored(late.why)).toMatch(/over 60000 ms ago/);
});
