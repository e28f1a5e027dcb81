import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { takeAccount } from '../../lib/cli/demo/account.ts';
import type { JobView } from '../../lib/cli/look/job-view.ts';
import { filesWithin } from '../../lib/client/list.ts';
import { listFlights, readJob } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { jobId } from '../../lib/core/ids.ts';
import { breakdownOf, controlCalls, sumOf } from '../support/control-calls.ts';
import { LocalStore, until } from './local-store.ts';
import { familyOf, stillThere } from './processes.ts';
import { Reader } from './reader.ts';
import { writeTree } from './tree.ts';

interface NodeRow {
  readonly node: string;
  readonly zone: string;
  readonly state: string;
}

const filesTotal = 600;

/**
 * A drain costs some 150 calls whatever it moves, and per batch of 96 moves ten of its migration: a tenth of a
 * call a chunk, more when the last batches are small. Both bounds are loose.
 */
const callsMax = 300;
const migrateCallsPerChunkMax = 0.3;

describe('a drain on a running store, with a reader that never stops', () => {
  const store = new LocalStore(inject('assembly'));
  let ports: Ports;
  let reader: Reader;

  beforeAll(async () => {
    await store.up('--nodes', '5');
    const data = store.place('data');
    writeTree(data, filesTotal, 12_000);
    await store.json('put', data, 'data');
    ports = store.ports();
    reader = new Reader(ports, await filesWithin(ports.tables, 'data'));
  }, 90_000);

  afterAll(async () => {
    await reader?.stop();
    expect(await store.remove()).toEqual([]);
  });

  const nodes = async () => (await store.json<{ nodes: NodeRow[] }>('nodes')).nodes;

  /** A node of a zone that another node can take over. */
  async function nodeThatMayLeave(): Promise<NodeRow> {
    const all = (await nodes()).filter(({ state }) => state === 'active');
    return all.find(({ node, zone }) => all.some((o) => o.zone === zone && o.node !== node))!;
  }

  async function expectAllInPlace(drained: string): Promise<void> {
    const { problems, filesVerified } = await store.json<{
      problems: unknown[];
      filesVerified: number;
    }>('verify', '--prefix', 'data', '--source', join(store.directory, 'data'));
    expect({ problems, filesVerified }).toEqual({ problems: [], filesVerified: filesTotal });
    expect((await nodes()).map(({ node }) => node)).not.toContain(drained);
    const { instances } = await store.inspector.state();
    const serving = instances.filter(({ state }) => state !== 'terminated');
    expect(serving).toHaveLength((await nodes()).length);
    const settled = await until('the disks hold what the placement names', 20, async () => {
      const { underReplicated, orphans } = await takeAccount(ports);
      return orphans === 0 && { underReplicated, orphans };
    });
    expect(settled).toEqual({ underReplicated: 0, orphans: 0 });
  }

  test('costs few AWS calls a chunk', async () => {
    const leaving = await nodeThatMayLeave();
    const before = await store.inspector.calls();
    const job = await store.json<JobView>('drain', leaving.node, '--wait');
    const after = await store.inspector.calls();
    expect(job).toMatchObject({ state: 'done', movesDone: job.movesPlanned, movesFailed: 0 });
    expect(job.movesDone).toBeGreaterThan(100); // a half or a third of the files, by the holders chosen
    const calls = controlCalls(before, after);
    const migrating = calls.filter(({ principal }) => principal.includes('Migrate'));
    const figures = `${job.movesDone} chunks, ${sumOf(calls)} calls of the control plane (${sumOf(migrating)} of them to migrate): ${(sumOf(calls) / job.movesDone).toFixed(3)} a chunk`;
    console.log(figures);
    expect(sumOf(calls), breakdownOf(calls)).toBeLessThanOrEqual(callsMax);
    expect(sumOf(migrating) / job.movesDone).toBeLessThanOrEqual(migrateCallsPerChunkMax);
    await expectAllInPlace(leaving.node);
  }, 90_000);

  test('ends by itself when the whole local cloud was killed in its middle', async () => {
    const leaving = await nodeThatMayLeave();
    const { job } = await store.json<{ job: string }>('drain', leaving.node);
    await until('moves are committed and more are in flight', 30, async () =>
      (await listFlights(ports.tables)).some(
        ({ moves, movesDone }) => movesDone > 0 && movesDone < moves,
      ),
    );
    const family = familyOf(store.cloud.pid);
    expect(family.length).toBeGreaterThan(5);
    reader.goesDown();
    process.kill(store.cloud.pid, 'SIGKILL');
    expect(await stillThere(family)).toEqual([]);
    await store.up();
    reader.isUp();
    expect((await readJob(ports.tables, jobId(job)))?.state).toBe('running');
    const ended = await until('the drain ends', 60, async () => {
      const now = await readJob(ports.tables, jobId(job));
      return now?.state !== 'running' && now;
    });
    expect(ended).toMatchObject({ state: 'done', movesFailed: 0 });
    await expectAllInPlace(leaving.node);
  }, 120_000);

  test('no read failed while the store was up', async () => {
    const { reads, failures, readsWhileDown } = await reader.stop();
    console.log(`${reads} reads, ${failures.length} failed; ${readsWhileDown} not counted`);
    expect(failures).toEqual([]);
    expect(reads).toBeGreaterThan(500);
    expect(readsWhileDown).toBeGreaterThan(0);
  });
});
