#!/usr/bin/env node
/**
 * Simulates the schedules of generated drains, scale-outs and repairs and prints their makespan over the
 * bound that no schedule beats, beside that of the reference design's own controller:
 *
 *   node test/bench/schedule.ts [SLOTS-PER-NODE] [SCENARIOS]
 *
 * Exits 1 if the median is above 1.02, the worst above 1.10, a budget is overdrawn or a class overtaken.
 */
import { simulateSchedule } from '../../lib/core/simulate-schedule.ts';
import { faultsOf } from './check-flown.ts';
import { referenceMakespan } from './reference-controller.ts';
import { drawScenarios, jobs, mixed, type ScheduleScenario } from './schedule-scenarios.ts';

const slotsPerNode = Number(process.argv[2] ?? 2_000);
const scenarios = Number(process.argv[3] ?? 60);

function run(scenario: ScheduleScenario): { ratio: number; reference: number; faults: number } {
  const { name, batches, budgets } = scenario;
  const { makespanSeconds, boundSeconds, inFlightMost, flown } = simulateSchedule(batches, budgets);
  const rateOf = (node: string) => budgets.nodeRates?.[node] ?? budgets.nodeRateBytes;
  const ratio = makespanSeconds / boundSeconds;
  const reference = referenceMakespan(batches, rateOf) / boundSeconds;
  const faults = faultsOf(flown, budgets);
  console.log(
    [
      name.padEnd(20),
      `${batches.length} batches`.padStart(13),
      `${inFlightMost} in flight`.padStart(13),
      `bound ${boundSeconds.toFixed(0)} s`.padStart(13),
      `makespan ${makespanSeconds.toFixed(0)} s`.padStart(16),
      `ratio ${ratio.toFixed(4)}`,
      `reference ${reference.toFixed(2)}`.padStart(15),
      faults.length > 0 ? `${faults.length} FAULTS, e.g. ${faults[0]}` : '',
    ].join('  '),
  );
  return { ratio, reference, faults: faults.length };
}

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)]!;

const results = drawScenarios(jobs, scenarios, slotsPerNode).map(run);
console.log('\nTwo classes at the same receivers, the more urgent one first:');
const classes = drawScenarios(mixed, 12, slotsPerNode).map(run);
const ratios = results.map(({ ratio }) => ratio);
const references = results.map(({ reference }) => reference);
console.log(
  `\n${scenarios} jobs: makespan over bound ${median(ratios).toFixed(4)} in the median, ${Math.max(...ratios).toFixed(4)} at worst`,
);
console.log(
  `the reference's controller: ${median(references).toFixed(2)} in the median, ${Math.max(...references).toFixed(2)} at worst`,
);
const isGood = median(ratios) <= 1.02 && Math.max(...ratios) <= 1.1;
process.exitCode = isGood && [...results, ...classes].every(({ faults }) => faults === 0) ? 0 : 1;
