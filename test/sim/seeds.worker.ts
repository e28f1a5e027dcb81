import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from '../../lib/sim/simulate.ts';

/** How far it came: the first seed that broke an invariant ends it. */
export interface Lived {
  readonly acknowledged: number;
  readonly broken: { readonly seed: number; readonly why: string } | undefined;
}

/** Lives through the seeds from 1 to `workerData.seeds`, in a thread that measures no coverage. */
async function live(seeds: number): Promise<Lived> {
  let acknowledged = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation, ...report } = await simulate({ seed });
    acknowledged += report.acknowledged;
    if (violation === undefined) continue;
    return { acknowledged, broken: { seed, why: `${violation.invariant}: ${violation.message}` } };
  }
  return { acknowledged, broken: undefined };
}

parentPort?.postMessage(await live(Number(workerData.seeds)));
