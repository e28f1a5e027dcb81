/**
 * AWS calls that one drain takes, counted at the endpoint of a store as `ballast up` starts it, with real nodes and
 * real bytes: `npx -c 'node test/bench/calls.ts'`, two to three minutes. Exits 1 above the bar.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { CallCounts } from '../../lib/cli/demo/inspect.ts';
import type { JobView } from '../../lib/cli/look/job-view.ts';
import { listedOn } from '../../lib/control/inventory.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { nodeId } from '../../lib/core/ids.ts';
import { LocalStore } from '../e2e/local-store.ts';
import { writeTree } from '../e2e/tree.ts';
import { breakdownOf, controlCalls, sumOf } from '../support/control-calls.ts';

const callsPerChunkMax = 0.15;
const chunksMin = 2_000;
const filesPerRound = 5_000;
const fileBytesMax = 4_000;
const roundsMax = 3;
/** What a job's end sets off, events of its machine say, has been dealt with after so long. */
const afterMs = 5_000;

interface NodeRow {
  readonly node: string;
  readonly zone: string;
}

const store = new LocalStore();
try {
  await store.up();
  const leaving = await fill(store.ports());
  const before = await store.inspector.calls();
  const began = performance.now();
  const job = await store.json<JobView>('drain', leaving, '--wait');
  const seconds = (performance.now() - began) / 1_000;
  await delay(afterMs);
  process.exitCode = report(job, seconds, before, await store.inspector.calls());
} finally {
  const left = await store.remove();
  if (left.length > 0) console.error(`left running: ${left.map(({ pid }) => pid).join(', ')}`);
}

/** Stores files until a node that may leave has chunks enough. @returns that node */
async function fill(ports: Ports): Promise<string> {
  const { nodes } = await store.json<{ nodes: readonly NodeRow[] }>('nodes');
  const mayLeave = nodes.filter(({ node, zone }) =>
    nodes.some((other) => other.zone === zone && other.node !== node),
  );
  for (let round = 1; round <= roundsMax; round++) {
    const data = store.place(`data${round}`);
    writeTree(data, filesPerRound, fileBytesMax);
    await store.json('put', data, `data${round}`);
    for (const { node } of mayLeave) {
      const { length } = await listedOn(ports.tables, nodeId(node));
      console.log(`${node} holds ${length} chunks`);
      if (length >= chunksMin) return node;
    }
  }
  throw new Error(`no node holds ${chunksMin} chunks after ${roundsMax * filesPerRound} files`);
}

/** @returns the exit code */
function report(job: JobView, seconds: number, before: CallCounts, after: CallCounts): 0 | 1 {
  const calls = controlCalls(before, after);
  const perChunk = sumOf(calls) / job.movesDone;
  console.log(breakdownOf(calls));
  console.log(
    `${job.movesDone} chunks moved in ${seconds.toFixed(1)} s, ${job.movesFailed} failed; ` +
      `${sumOf(calls)} calls: ${perChunk.toFixed(3)} a chunk, at most ${callsPerChunkMax}`,
  );
  const isWhole = job.state === 'done' && job.movesFailed === 0 && job.movesDone >= chunksMin;
  return isWhole && perChunk <= callsPerChunkMax ? 0 : 1;
}
