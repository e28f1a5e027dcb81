import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { simulate } from '../../lib/sim/simulate.ts';
import type { Lived } from './seeds.worker.ts';

/** `SEEDS=100000 npx vitest run test/sim/hostile.test.ts`; one of them: `SEED=4711 npx vitest run …`. */
const seeds = Number(process.env.SEEDS ?? 2_000);
const only = process.env.SEED === undefined ? undefined : Number(process.env.SEED);
/** Half a minute for a thousand seeds on one core, ten times as long where others use it too. */
const timeoutMs = 60_000 + seeds * 300;
const linesShown = 60;

const replayOf = (seed: number, why: string): string => `seed ${seed}: ${why}
replay: SEED=${seed} npx vitest run test/sim/hostile.test.ts`;

/** In a thread of its own: where coverage is measured the same seeds take half as long again. */
function livedThrough(seeds: number): Promise<Lived> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('seeds.worker.ts', import.meta.url), {
      workerData: { seeds },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

describe.runIf(only === undefined)('lib/control among hostile faults', () => {
  test(`keeps every invariant in ${seeds} seeds`, { timeout: timeoutMs }, async () => {
    const { acknowledged, broken } = await livedThrough(seeds);
    expect(broken && replayOf(broken.seed, broken.why)).toBe(undefined);
    // A world in which nothing succeeds breaks nothing either.
    expect(acknowledged).toBeGreaterThan(seeds * 10);
  });

  test('lives through the same history with the same seed', { timeout: 60_000 }, async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const [first, second] = [
        await simulate({ seed }),
        await simulate({ seed, keeping: 'words' }),
      ];
      expect(second.history).toBe(first.history);
      expect(second.lines.length).toBeGreaterThan(100);
    }
  });

  test('lives through another history with another seed', async () => {
    const histories = [await simulate({ seed: 1 }), await simulate({ seed: 2 })];
    expect(histories[0]?.history).not.toBe(histories[1]?.history);
  });
});

test.runIf(only !== undefined)(`replays seed ${only}`, { timeout: 60_000 }, async () => {
  const report = await simulate({ seed: only ?? 0, keeping: 'words' });
  if (report.violation !== undefined) console.error(report.lines.slice(-linesShown).join('\n'));
  expect(report.violation?.message).toBe(undefined);
});
