import { expect, test } from 'vitest';
import { simulate } from '../../lib/sim/simulate.ts';

const seeds = 60;

/** Every file of two chunks has a manifest: what hostile faults do to it breaks no invariant. */
test(`manifests keep every invariant in ${seeds} seeds`, { timeout: 60_000 }, async () => {
  const plant = { policy: { chunksPerRecordMax: 1, nodeCapacityBytes: 8_000 } };
  let acknowledged = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const { violation, ...report } = await simulate({ seed, plant });
    expect(`${seed}: ${violation?.message ?? ''}`).toBe(`${seed}: `);
    acknowledged += report.acknowledged;
  }
  expect(acknowledged).toBeGreaterThan(seeds * 10);
});
