import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { JobView } from '../../lib/cli/look/job-view.ts';
import type { EventView } from '../../lib/control/events.ts';
import { listJobs } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { ending } from './ending.ts';
import { LocalStore, until } from './local-store.ts';
import { writeTree } from './tree.ts';

/** What AWS says of machines and zones, through the template's own rules, bundles and state machines. */
const store = new LocalStore(inject('assembly'));
let ports: Ports;
const filesTotal = 60;

interface Sent {
  readonly rules: readonly string[];
}
interface NodeRow {
  readonly node: string;
  readonly zone: string;
  readonly state: string;
}
const event = (...argv: readonly string[]) => store.json<Sent>('event', ...argv);
const nodes = async () => (await store.json<{ nodes: NodeRow[] }>('nodes')).nodes;
const drains = async () => (await listJobs(ports.tables)).filter(({ kind }) => kind === 'drain');

beforeAll(async () => {
  await store.up('--nodes', '5');
  const data = store.place('data');
  writeTree(data, filesTotal, 4_000);
  await store.json('put', data, 'data');
  ports = store.ports();
}, 90_000);
afterAll(async () => {
  expect(await store.remove()).toEqual([]);
});

test('a spot warning starts a drain with its deadline, which ends well before it', async () => {
  const all = await nodes();
  const leaving = all.find(({ zone, node }) =>
    all.some((other) => other.zone === zone && other.node !== node),
  )!;
  const sentAt = Date.now();
  const { rules } = await event('spot-interruption', leaving.node);
  expect(rules).toEqual([expect.stringContaining('SpotInterruption')]);
  const job = await until('the drain begins', 20, async () => (await drains())[0]);
  expect(job).toMatchObject({ nodes: [leaving.node], priority: 10, mustLeave: true });
  expect(job.deadline).toBeGreaterThanOrEqual(sentAt + 119_000);
  expect(job.deadline).toBeLessThanOrEqual(Date.now() + 120_000);
  await event('spot-interruption', leaving.node);
  await ending(ports, job.id, 90);
  const ended = await store.json<JobView>('jobs', job.id);
  expect(ended).toMatchObject({ state: 'done', movesFailed: 0 });
  expect(Date.parse(ended.endedAt!)).toBeLessThan(job.deadline);
  expect(await drains()).toHaveLength(1);
  const verified = await store.json<{ problems: unknown[]; filesVerified: number }>(
    ...['verify', '--prefix', 'data', '--source', join(store.directory, 'data')],
  );
  expect(verified).toMatchObject({ problems: [], filesVerified: filesTotal });
}, 150_000);

test('what became of it is told on the fleet’s bus', async () => {
  const { events } = await store.json<{ events: EventView[] }>('events');
  const told = events.filter((each) => each.told).map(({ type }) => type);
  expect(told).toEqual(
    expect.arrayContaining(['Machine Leaving', 'Node Draining', 'Node Drained', 'Job Ended']),
  );
  const { calls } = await store.inspector.calls();
  const puts = calls.filter(({ action }) => action === 'PutEvents');
  expect(puts.map(({ principal }) => principal)).toEqual(
    expect.arrayContaining([expect.stringContaining('Finish')]),
  );
}, 30_000);

test('a zone is held while AWS calls it impaired', async () => {
  const [{ zone } = { zone: '' }] = await nodes();
  const holds = async () =>
    (await ports.tables.query('placement', 'I', { prefix: 'HOLD#' })).items.map(({ sk }) => sk);
  expect((await event('zone-impaired', zone)).rules).toHaveLength(1);
  await until('the zone is held', 20, async () => (await holds()).includes(`HOLD#event#${zone}`));
  await event('zone-recovered', zone);
  await until('the zone is free', 20, async () => (await holds()).length === 0);
}, 60_000);

test('a state that is on no rule goes nowhere; a node or zone that is not there is refused', async () => {
  const [{ node } = { node: '' }] = await nodes();
  expect((await event('instance-state', node, 'stopping')).rules).toEqual([
    expect.stringContaining('MachineLost'),
  ]);
  const refused = await store.run('event', 'zone-impaired', 'nowhere');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('no zone nowhere')]);
  const unknown = await store.run('event', 'spot-interruption', 'n-none');
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('no node n-none')]);
}, 30_000);
