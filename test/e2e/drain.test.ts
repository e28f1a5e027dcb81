import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { takeAccount } from '../../lib/cli/demo/account.ts';
import type { JobView } from '../../lib/cli/look/job-view.ts';
import { filesWithin } from '../../lib/client/list.ts';
import { names, readChunks } from '../../lib/control/chunks.ts';
import { addressOf, type NodeWithBeat, readFleet } from '../../lib/control/fleet.ts';
import { listFlights, listJobs, readJob } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { jobId } from '../../lib/core/ids.ts';
import { breakdownOf, controlCalls, sumOf } from '../support/control-calls.ts';
import { copiesOn } from './disk.ts';
import { ending } from './ending.ts';
import { LocalStore, until } from './local-store.ts';
import { familyOf, stillThere } from './processes.ts';
import { Reader } from './reader.ts';
import { freeMoves, slowMoves, underWay } from './slow-moves.ts';
import { writeTree } from './tree.ts';

const filesTotal = 600;

/**
 * A drain costs some 130 calls whatever it moves, and per batch of 96 moves ten of its migration: a tenth of a
 * call a chunk, more when the last batches are small. Both bounds are loose.
 */
const callsMax = 300;
const migrateCallsPerChunkMax = 0.3;

/** Copies that are parked go seconds after their time, and where a hint was lost, at the sweep of each minute. */
const sweepSecondsMax = 75;

/** What is left of a job whose moves are as fast as they can be. */
const jobSecondsMax = 60;

/** For clients, for readers with an old view (ours looks again at once) and for flights whose worker is gone. */
const shortWaits = [
  'graceMs=1000',
  'connectionsLimitMs=1000',
  'parkingMs=2000',
  'flightLimitMs=6000',
];

describe('a drain on a running store, with a reader that never stops', () => {
  const store = new LocalStore(inject('assembly'));
  let ports: Ports;
  let reader: Reader;

  beforeAll(async () => {
    await store.up('--nodes', '6'); // three of them leave
    // A drain has a batch in flight and one that waits.
    await store.json('policy', 'set', 'nodeBatchesMax=1', ...shortWaits);
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

  const nodes = () => readFleet(ports.tables);
  const usedOn = ({ beat }: NodeWithBeat): number => beat?.usedBytes ?? 0;

  /** The fullest node of those whose zone another node can take over. */
  async function nodeThatMayLeave(): Promise<NodeWithBeat> {
    const all = (await nodes()).filter(({ state }) => state === 'active');
    return all
      .filter(({ id, zone }) => all.some((other) => other.zone === zone && other.id !== id))
      .reduce((most, each) => (usedOn(each) > usedOn(most) ? each : most));
  }

  /** Its drain lasts for seconds from here on: nothing that a test waits for is over when it is seen. */
  async function drainSlowly(leaving: NodeWithBeat, seconds: number): Promise<string> {
    await slowMoves(store, ports, leaving, seconds);
    return (await store.json<{ job: string }>('drain', leaving.id)).job;
  }

  async function expectAllInPlace(): Promise<void> {
    const { problems, filesVerified } = await store.json<{
      problems: unknown[];
      filesVerified: number;
    }>('verify', '--prefix', 'data', '--source', join(store.directory, 'data'));
    expect({ problems, filesVerified }).toEqual({ problems: [], filesVerified: filesTotal });
    const { instances } = await store.inspector.state();
    const serving = instances.filter(({ state }) => state !== 'terminated');
    expect(serving).toHaveLength((await nodes()).length);
    const what = 'the disks hold what the placement names';
    const settled = await until(what, sweepSecondsMax, async () => {
      const { underReplicated, orphans } = await takeAccount(ports);
      return orphans === 0 && { underReplicated, orphans };
    });
    expect(settled).toEqual({ underReplicated: 0, orphans: 0 });
  }

  const isGone = async ({ id: left }: NodeWithBeat) =>
    (await nodes()).every(({ id }) => id !== left);

  test('costs few AWS calls a chunk', async () => {
    const leaving = await nodeThatMayLeave();
    const before = await store.inspector.calls();
    const job = await store.json<JobView>('drain', leaving.id, '--wait');
    const after = await store.inspector.calls();
    expect(job).toMatchObject({ state: 'done', movesDone: job.movesPlanned, movesFailed: 0 });
    expect(job.movesDone).toBeGreaterThan(100); // a half or a third of the files, by the holders chosen
    const calls = controlCalls(before, after);
    const migrating = calls.filter(({ principal }) => principal.includes('Migrate'));
    const figures = `${job.movesDone} chunks, ${sumOf(calls)} calls of the control plane (${sumOf(migrating)} of them to migrate): ${(sumOf(calls) / job.movesDone).toFixed(3)} a chunk`;
    console.log(figures);
    expect(sumOf(calls), breakdownOf(calls)).toBeLessThanOrEqual(callsMax);
    expect(sumOf(migrating) / job.movesDone).toBeLessThanOrEqual(migrateCallsPerChunkMax);
    expect(await isGone(leaving)).toBe(true);
    await expectAllInPlace();
  }, 180_000);

  /** Its worker has 20 s: one that stops before its batch is whole leaves copies that nobody committed. */
  const withinOneWorkerSeconds = 15;

  test('undone at its half, it moves no byte back', async () => {
    const leaving = await nodeThatMayLeave();
    const copies = copiesOn(store, leaving.instance);
    const job = await drainSlowly(leaving, withinOneWorkerSeconds);
    const { movesDone } = await underWay(ports, job, 0.5);
    const undone = await store.json<{ movesBack: number }>('undrain', leaving.id);
    expect(undone).toMatchObject({ job, bytesMoved: 0 });
    expect(undone.movesBack).toBeGreaterThanOrEqual(movesDone);
    await freeMoves(store);
    let receivedMost = 0;
    await until('every copy is named where it was', 40, async () => {
      const { backgroundIn } = await ports.nodes.stats(addressOf(leaving));
      receivedMost = Math.max(receivedMost, backgroundIn);
      const records = await readChunks(ports.tables, [...copies.keys()]);
      const isBack = records.every((record) => names(record, leaving.id));
      return isBack && (await listFlights(ports.tables)).length === 0;
    });
    expect(receivedMost).toBe(0);
    const ended = await readJob(ports.tables, jobId(job));
    expect(ended).toMatchObject({ state: 'cancelled', undo: true });
    expect(ended!.movesRestored).toBeGreaterThanOrEqual(undone.movesBack);
    await expectAllInPlace();
    expect(copiesOn(store, leaving.instance)).toEqual(copies);
    const now = (await nodes()).find(({ id }) => id === leaving.id);
    expect(now).toMatchObject({ state: 'active', instance: leaving.instance });
  }, 180_000);

  const longSeconds = 30;

  test('turns into repairs when its node is lost in its middle', async () => {
    const leaving = await nodeThatMayLeave();
    const job = await drainSlowly(leaving, longSeconds);
    const { movesPlanned, movesDone, movesInFlight } = await underWay(ports, job, 0);
    await store.inspector.loseInstance(leaving.instance);
    const repair = await until('a repair to be planned', 30, async () =>
      (await listJobs(ports.tables)).find((each) => each.kind === 'repair' && each.attempt !== ''),
    );
    expect(repair.nodes).toEqual([leaving.id]);
    await freeMoves(store);
    const repaired = await ending(ports, repair.id, jobSecondsMax);
    expect(repaired).toMatchObject({ state: 'done', movesFailed: 0 });
    const drained = await ending(ports, job, jobSecondsMax);
    expect(drained).toMatchObject({ state: 'done', movesFailed: 0 });
    // What flew goes on from other holders; what waited is the repair's.
    expect(drained.movesDone).toBeLessThanOrEqual(movesDone + movesInFlight);
    expect(repaired.movesDone).toBe(movesPlanned - drained.movesDone);
    expect(await isGone(leaving)).toBe(true);
    await expectAllInPlace();
  }, 180_000);

  test('ends by itself when the whole local cloud was killed in its middle', async () => {
    const leaving = await nodeThatMayLeave();
    const job = await drainSlowly(leaving, longSeconds);
    await underWay(ports, job, 0);
    const family = familyOf(store.cloud.pid);
    expect(family.length).toBeGreaterThan(5);
    reader.goesDown();
    process.kill(store.cloud.pid, 'SIGKILL');
    expect(await stillThere(family)).toEqual([]);
    await store.up();
    reader.isUp();
    await freeMoves(store);
    expect(await ending(ports, job, jobSecondsMax)).toMatchObject({
      state: 'done',
      movesFailed: 0,
    });
    expect(await isGone(leaving)).toBe(true);
    await expectAllInPlace();
  }, 180_000);

  test('no read failed while the store was up', async () => {
    const { reads, failures, readsWhileDown } = await reader.stop();
    console.log(`${reads} reads, ${failures.length} failed; ${readsWhileDown} not counted`);
    expect(failures).toEqual([]);
    expect(reads).toBeGreaterThan(500);
    expect(readsWhileDown).toBeGreaterThan(0);
  });
});
