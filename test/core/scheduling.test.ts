import { describe, expect, test } from 'vitest';
import { turnsOf } from '../../lib/core/ageing.ts';
import type { Flight, RateBudgets } from '../../lib/core/budget.ts';
import { batchId, jobId, nodeId, zone } from '../../lib/core/ids.ts';
import { importance } from '../../lib/core/importance.ts';
import { type Batch, schedule } from '../../lib/core/schedule.ts';
import { type FixedScheduling, orderOf, withTurns } from '../../lib/core/scheduling-policies.ts';
import { bytes, bytesPerSecond, epochMillis } from '../../lib/core/units.ts';
import { times } from './fleets.ts';

const hour = 3_600_000;
const gb = 1e9;

test.each<[what: string, hoursLeft: number | undefined, heat: number, size: number, score: number]>(
  [
    ['priority alone', undefined, 0, 0, 50],
    ['five for each access', undefined, 3, 0, 65],
    ['a tenth for each GB', undefined, 0, 7 * gb, 50.7],
    ['a hundred GB at most', undefined, 0, 900 * gb, 60],
    ['a deadline a day away adds nothing', 24, 0, 0, 50],
    ['the hours by which it is nearer', 20, 0, 0, 54],
    ['at most a day', -5, 0, 0, 74],
  ],
)('importance: %s', (_what, hoursLeft, heat, size, score) =>
  expect(importance({ priority: 5, heat, bytes: size, hoursLeft })).toBeCloseTo(score, 9),
);

const budgets: RateBudgets = {
  nodeBatchesMax: 5,
  fleetBatchesMax: 100,
  nodeRateBytes: 100,
  batchRateBytes: 10,
};

function batch(name: string, ends: string, more: Partial<Batch> = {}): Batch {
  const [from, to] = ends.split('>');
  return {
    id: batchId(name),
    job: jobId('j'),
    urgency: 'normal',
    from: nodeId(from!),
    to: nodeId(to!),
    bytes: bytes(100),
    moves: 1,
    ...more,
  };
}

const flight = (ends: string, rate: number, more: Partial<Flight> = {}): Flight => {
  const [from, to] = ends.split('>');
  return { from: nodeId(from!), to: nodeId(to!), rate: bytesPerSecond(rate), ...more };
};

describe('the policy orders everything that waits', () => {
  const waiting = [
    batch('large', 'a>b', { bytes: bytes(900), urgency: 'low' }),
    batch('asked', 'a>c', { priority: 9 }),
    batch('due', 'a>d', { deadline: epochMillis(5 * hour), urgency: 'low' }),
    batch('hot', 'a>e', { heat: 20 }),
    batch('lost', 'x>f', { urgency: 'critical', priority: 1 }),
  ];
  const orderUnder = (scheduling: FixedScheduling): string[] => {
    const left = [...waiting];
    const first: string[] = [];
    while (left.length > 0) {
      const order = orderOf(scheduling, epochMillis(0));
      const one = { ...budgets, fleetBatchesMax: 1 };
      const [start] = schedule(left, [], one, order);
      first.push(start!.id);
      left.splice(
        left.findIndex(({ id }) => id === start!.id),
        1,
      );
    }
    return first;
  };
  test.each<[scheduling: FixedScheduling, order: string]>([
    ['balanced', 'lost asked hot due large'],
    ['priority', 'lost asked hot large due'],
    ['deadline', 'lost due asked hot large'],
    ['importance', 'lost hot asked due large'],
  ])('%s', (scheduling, order) => expect(orderUnder(scheduling).join(' ')).toBe(order));
});

describe('budgets', () => {
  const zones = [zone('z1'), zone('z2')] as const;
  const started = (pending: Batch[], more: Partial<RateBudgets>, inFlight: Flight[] = []) =>
    schedule(pending, inFlight, { ...budgets, ...more }).map(({ id, rate }) => `${id} ${rate}`);

  test.each<[what: string, pending: Batch[], more: Partial<RateBudgets>, starts: string[]]>([
    ['a node with a rate of its own', [batch('1', 'a>b')], { nodeRates: { b: 40 } }, ['1 40']],
    [
      'a pair of zones has a rate',
      [batch('1', 'a>b', { zones }), batch('2', 'c>d', { zones })],
      { zonePairRateBytes: 120 },
      ['1 100', '2 20'],
    ],
    [
      'each direction on its own, and none within a zone',
      [
        batch('1', 'a>b', { zones }),
        batch('2', 'c>d', { zones: [zones[1], zones[0]] }),
        batch('3', 'e>f', { zones: [zones[0], zones[0]] }),
      ],
      { zonePairRateBytes: 60 },
      ['1 60', '2 60', '3 100'],
    ],
    [
      'a pair of zones has a count',
      [batch('1', 'a>b', { zones }), batch('2', 'c>d', { zones })],
      { zonePairBatchesMax: 1 },
      ['1 100'],
    ],
    [
      'moves are counted, and what is too large for now holds up nothing',
      [
        batch('1', 'a>b', { moves: 60, bytes: bytes(900) }),
        batch('2', 'a>b', { moves: 60, bytes: bytes(800) }),
        batch('3', 'a>b', { moves: 40 }),
      ],
      { nodeMovesMax: 100 },
      ['1 50', '3 50'],
    ],
    [
      'a batch that is larger than the limit goes alone',
      [batch('1', 'a>b', { moves: 60, bytes: bytes(900) }), batch('2', 'a>b')],
      { fleetMovesMax: 50 },
      ['1 90'],
    ],
    [
      'a dead source uses nothing of its budget',
      times(3, (at) => batch(`${at}`, `x>b${at}`, { isLost: true })),
      {},
      ['0 100', '1 100', '2 100'],
    ],
  ])('%s', (_what, pending, more, starts) => expect(started(pending, more)).toEqual(starts));

  test('a share is kept for repairs where any wait, and for others where none does', () => {
    const share = { criticalShare: 0.2 };
    const busy = [flight('x>r', 100, { isCritical: true })];
    const repair = batch('repair', 'a>r', { urgency: 'critical' });
    const other = batch('1', 'a>b', { bytes: bytes(9_900) });
    expect(started([other], share, busy)).toEqual(['1 100']);
    expect(started([other, repair], share, busy)).toEqual(['1 80']);
    const ended = started([repair], share, [flight('a>b', 80)]);
    expect(ended).toEqual(['repair 20']);
  });

  test('several drains get on together', () => {
    const drain = (from: string, size: number) =>
      times(6, (at) =>
        batch(`${from}${at}`, `${from}>t${at}`, { bytes: bytes(size), isLeaving: true }),
      );
    const pending = [...drain('a', 900), ...drain('b', 500), ...drain('c', 100)];
    const starts = started(pending, { fleetBatchesMax: 6 }).map((start) => start[0]);
    expect(starts.slice(0, 3).sort()).toEqual(['a', 'b', 'c']);
  });
});

describe('turns', () => {
  const waiter = (name: string, job: string, plannedAt: number) => ({
    id: batchId(name),
    job: jobId(job),
    plannedAt,
  });
  test.each<[what: string, flying: string[], last: Record<string, number>, turns: string[]]>([
    ['one batch of each job that waited too long, the oldest', [], {}, ['1', '4']],
    ['none of a job that flies', ['j'], {}, ['4']],
    ['none of a job that had its turn', [], { j: 60 }, ['4']],
  ])('%s', (_what, flying, last, turns) => {
    const pending = [
      waiter('2', 'j', 5),
      waiter('1', 'j', 0),
      waiter('3', 'new', 95),
      waiter('4', 'k', 9),
    ];
    expect([...turnsOf(pending, new Set(flying), last, 100, 50)]).toEqual(turns);
  });

  test('a low job beside an endless stream of higher ones starts within the bound', () => {
    const ageing = 50;
    const flightSeconds = 10;
    const low = batch('low', 'a>b', { urgency: 'low', job: jobId('low') });
    let flying: { batch: Batch; rate: number; until: number }[] = [];
    let startedAt: number | undefined;
    for (let now = 0; startedAt === undefined && now < 200; now++) {
      flying = flying.filter(({ until }) => until > now);
      // Both ends of the low one are wanted by more than they can take, at every moment.
      const stream = times(12, (at) =>
        batch(`${now}-${at}`, at % 2 === 0 ? `a>c${at}` : `d${at}>b`, {
          urgency: 'high',
          job: jobId('high'),
        }),
      );
      const pending = [low, ...stream];
      const waiters = pending.map(({ id, job }) => ({
        id,
        job,
        plannedAt: id === 'low' ? 0 : now,
      }));
      const turns = turnsOf(
        waiters,
        new Set(flying.map(({ batch: each }) => each.job)),
        {},
        now,
        ageing,
      );
      const inFlight = flying.map(({ batch: { from, to }, rate }) => ({
        from,
        to,
        rate: bytesPerSecond(rate),
      }));
      const order = withTurns(orderOf('balanced', epochMillis(0)), turns);
      for (const { id, rate } of schedule(pending, inFlight, budgets, order)) {
        if (id === 'low') startedAt = now;
        // Staggered, so that no two flights at one end are ever over at the same moment.
        const until = now + flightSeconds - (flying.length % 4);
        flying.push({ batch: pending.find((each) => each.id === id)!, rate, until });
      }
    }
    expect(startedAt).toBeGreaterThan(ageing);
    expect(startedAt).toBeLessThanOrEqual(ageing + 1 + flightSeconds);
  });
});
