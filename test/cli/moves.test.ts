import { expect, test } from 'vitest';
import type { MoveView } from '../../lib/cli/look/move-view.ts';
import type { BatchView } from '../../lib/cli/look/moves.ts';
import type { PullEvent } from '../../lib/contract/agent.ts';
import { cancelMove, findBatch } from '../../lib/control/cancel.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { planJob } from '../../lib/control/plan-job.ts';
import { startDrain } from '../../lib/control/start-job.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { forever, putFiles, runJob, take } from '../control/acts.ts';
import { pairs, World } from '../control/world.ts';
import { ballast } from '../support/command-line.ts';

/** What `ballast moves JOB` tells of each move is what the reference design keeps of a migration task (row 13). */

const files = 40;
/** Time that each copy takes. */
const copyMs = 1_000;

/** A drain of `a1` to two nodes, one batch each, of which one may fly at a time. */
async function twoBatches() {
  const policy = { graceMs: 0, autoscaling: false, fleetBatchesMax: 1, flightLimitMs: 4 * copyMs };
  const world = new World({ nodes: { ...pairs, a3: 'a' }, policy });
  await putFiles(world, files);
  const started = await startDrain(world.ports, [nodeId('a1')], [], { priority: 7 });
  if (started.kind === 'blocked') throw new Error('blocked');
  await runJob(world, started.job, { until: 'plan' });
  await planJob(world.ports, started.job);
  world.beforePullEvent = () => world.pass(copyMs);
  return { world, ports: world.ports, job: started.job };
}

async function movesOf({ ports }: World, ...argv: string[]) {
  const { exitCode, stdout } = await ballast(['moves', ...argv, '--json'], { ports });
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as { batches: BatchView[]; moves: MoveView[] };
}

const batchIn = ({ id }: MoveView): string => id.split('/')[0]!;
const moment = (ms: number): string => new Date(ms).toISOString();
const countOf = (moves: readonly MoveView[], status: MoveView['status']): number =>
  moves.filter((move) => move.status === status).length;

/** Fails the copy of the first chunk that is pulled from now on. @returns which one it was */
function failFirst(world: World): () => string {
  let chunk = '';
  world.tamper = (event): readonly PullEvent[] => {
    if (event.event !== 'received' || (chunk !== '' && event.receipt.chunk !== chunk))
      return [event];
    chunk = event.receipt.chunk;
    return [{ event: 'failed', chunk, reason: 'checksum', message: 'other bytes' }];
  };
  return () => chunk;
}

test('a planned move is pending: what goes where, how large and how urgent it is', async () => {
  const { world, job } = await twoBatches();
  const leaving = new Set(world.node('a1').chunks);
  const { batches, moves } = await movesOf(world, job);
  expect(batches).toEqual([]);
  expect(new Set(moves.map(({ chunk }) => chunk))).toEqual(leaving);
  expect(new Set(moves.map(({ to }) => to))).toEqual(new Set(['a2', 'a3']));
  expect(new Set(moves.map(({ id }) => id)).size).toBe(leaving.size);
  for (const { id, chunk, slot, to, ...told } of moves) {
    expect(id).toMatch(/^ID\d+-\w+\/\d+$/);
    expect(world.placement(chunk)!.holders[slot]).toBe('a1');
    expect(told).toEqual({
      ...{ job, from: 'a1', bytes: world.placement(chunk)!.size, status: 'pending' },
      ...{ urgency: 'normal', priority: 7, startedAt: null, endedAt: null },
      ...{ bytesDone: 0, bytesPerSecond: 0, error: null },
    });
  }
  expect((await movesOf(world)).moves).toEqual([]);
});

test('a move that was given up is cancelled, and alone', async () => {
  const { world, ports, job } = await twoBatches();
  const [first] = (await movesOf(world, job)).moves;
  const found = (await findBatch(ports, batchIn(first!)))!;
  expect(await cancelMove(ports, found, 0)).toBe('cancelled');
  const { moves } = await movesOf(world, job);
  expect(moves.filter(({ status }) => status !== 'pending').map(({ id }) => id)).toEqual([
    first!.id,
  ]);
  expect(moves[0]).toMatchObject({ status: 'cancelled', bytesDone: 0, error: null });
});

test('moves in flight run, and those of them that are committed are completed, at a rate', async () => {
  const { world, ports, job } = await twoBatches();
  const sentAt = world.nowMs;
  await pace(ports, job);
  const message = take(world.messages);
  const isIn = (move: MoveView) => batchIn(move) === message.batch;
  const { moves: sent } = await movesOf(world, job);
  for (const move of sent)
    expect(move).toMatchObject(
      isIn(move)
        ? { status: 'running', startedAt: moment(sentAt), endedAt: null, bytesDone: 0 }
        : { status: 'pending', startedAt: null },
    );
  let copied = 0;
  let seen: Awaited<ReturnType<typeof movesOf>> | undefined;
  world.beforePullEvent = async () => {
    // The copies of two seconds are committed when the third is told.
    if (++copied === 4) seen = await movesOf(world);
    world.pass(copyMs);
  };
  await migrate(ports, message, forever);
  const { batches, moves } = seen!;
  expect(moves.map(({ id }) => id)).toEqual(sent.filter(isIn).map(({ id }) => id));
  expect([countOf(moves, 'completed'), countOf(moves, 'running')]).toEqual([2, moves.length - 2]);
  const bytesDone = moves.reduce((sum, move) => sum + move.bytesDone, 0);
  for (const move of moves) {
    expect(move.bytesDone).toBe(move.status === 'completed' ? move.bytes : 0);
    expect(move.bytesPerSecond).toBe(Math.round(bytesDone / 3));
  }
  expect(batches).toMatchObject([
    { ...{ batch: message.batch, job, from: 'a1', movesDone: 2, bytesDone, sent: 1 } },
  ]);
});

test('an ended move is completed or failed, with its times, its rate and why', async () => {
  const { world, ports, job } = await twoBatches();
  const sentAt = world.nowMs;
  await pace(ports, job);
  const message = take(world.messages);
  const failing = failFirst(world);
  await migrate(ports, message, forever);
  const endedAt = world.nowMs;
  const moves = (await movesOf(world, job)).moves.filter((move) => batchIn(move) === message.batch);
  const bytesDone = moves.reduce((sum, move) => sum + move.bytesDone, 0);
  expect([countOf(moves, 'completed'), countOf(moves, 'failed')]).toEqual([moves.length - 1, 1]);
  for (const move of moves)
    expect(move).toMatchObject({
      ...{ startedAt: moment(sentAt), endedAt: moment(endedAt) },
      bytesPerSecond: Math.round(bytesDone / ((endedAt - sentAt) / 1_000)),
      ...(move.chunk === failing()
        ? { status: 'failed', bytesDone: 0, error: 'checksum: other bytes' }
        : { status: 'completed', bytesDone: move.bytes, error: null }),
    });
  expect(bytesDone).toBeGreaterThan(moves.length);
});

test('people see the same, a line a move', async () => {
  const { world, ports, job } = await twoBatches();
  await pace(ports, job);
  const message = take(world.messages);
  failFirst(world);
  await migrate(ports, message, forever);
  const { moves } = await movesOf(world, job);
  const [head, ...lines] = (await ballast(['moves', job], { ports })).stdout.trimEnd().split('\n');
  expect(head!.trim().split(/ {2,}/)).toEqual([
    ...['MOVE', 'CHUNK', 'FROM', 'TO', 'STATUS', 'PRIORITY', 'DONE', 'OF', 'RATE', 'SINCE'],
    'ERROR',
  ]);
  expect(lines.map((line) => line.trim().split(/ {2,}/))).toEqual(
    moves.map((move) => [
      ...[move.id, `${move.chunk}.${move.slot}`, move.from, move.to, move.status, 'normal 7'],
      ...[`${move.bytesDone} B`, `${move.bytes} B`, `${move.bytesPerSecond} B/s`],
      ...[move.startedAt ?? '-', move.error ?? '-'],
    ]),
  );
  expect(new Set(moves.map(({ status }) => status))).toEqual(
    new Set(['completed', 'failed', 'running']),
  );
});

test('a job that is not there is refused in a sentence', async () => {
  const { world } = await twoBatches();
  const ran = await ballast(['moves', 'J0'], { ports: world.ports });
  expect([ran.exitCode, ran.stderr]).toEqual([2, 'ballast: There is no job J0.\n']);
});
