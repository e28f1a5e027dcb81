import { expect, test } from 'vitest';
import { simulateSchedule } from '../../lib/core/simulate-schedule.ts';
import { faultsOf } from '../bench/check-flown.ts';
import { referenceMakespan } from '../bench/reference-controller.ts';
import { drawScenarios, jobs, mixed } from '../bench/schedule-scenarios.ts';

/** `npx -c 'node test/bench/schedule.ts'` prints the same for larger nodes. */
const slotsPerNode = 2_000;
const scenarios = 51;

test('generated drains, scale-outs and repairs end close to the bound', {
  timeout: 240_000,
}, () => {
  const ratios: number[] = [];
  const references: number[] = [];
  for (const { name, batches, budgets } of drawScenarios(jobs, scenarios, slotsPerNode)) {
    const { makespanSeconds, boundSeconds, flown } = simulateSchedule(batches, budgets);
    expect([name, flown.length, faultsOf(flown, budgets)]).toEqual([name, batches.length, []]);
    const rateOf = (node: string) => budgets.nodeRates?.[node] ?? budgets.nodeRateBytes;
    ratios.push(makespanSeconds / boundSeconds);
    references.push(referenceMakespan(batches, rateOf) / boundSeconds);
  }
  const median = (of: readonly number[]) =>
    of.toSorted((l, r) => l - r)[Math.floor(of.length / 2)]!;
  expect(Math.min(...ratios)).toBeGreaterThanOrEqual(1 - 1e-6);
  expect(median(ratios)).toBeLessThanOrEqual(1.02);
  expect(Math.max(...ratios)).toBeLessThanOrEqual(1.1);
  expect(median(references)).toBeGreaterThan(2);
});

test('no class is overtaken where two meet at the same receivers', () => {
  for (const { name, batches, budgets } of drawScenarios(mixed, 8, 300)) {
    const { flown } = simulateSchedule(batches, budgets);
    expect([name, flown.length, faultsOf(flown, budgets)]).toEqual([name, batches.length, []]);
  }
});

test('the check of a schedule sees an overdrawn budget and an overtaken class', () => {
  const [scenario] = drawScenarios(jobs, 1, 100);
  const { batches, budgets } = scenario!;
  const { flown } = simulateSchedule(batches, budgets);
  const together = flown.map((each) => ({ ...each, startedAt: 0 }));
  expect(faultsOf(together, budgets).join()).toContain('batches at 0 s');
  const [first, second, ...rest] = flown;
  const urgent = { ...second!, batch: { ...second!.batch, urgency: 'critical' as const } };
  expect(faultsOf([first!, urgent, ...rest], budgets).join()).toContain('out of order');
});
