import { useOf } from '../core/explain-schedule.ts';
import { formatBytes } from '../core/units.ts';
import type { SimulationReport } from './simulate.ts';
import { counted, formatDuration, formatShare, table } from './text.ts';

/** The simulation for people: how long, at what cost, who waits for what. */
export function describeSimulation(report: SimulationReport): string {
  return [
    ...howLong(report),
    ...howMuch(report),
    ...deadline(report),
    ...(report.violations.length > 0
      ? [`broken    ${counted(report.violations.length, 'promise')}: --json lists them`]
      : []),
    '',
    whoWaits(report),
  ].join('\n');
}

const howLong = ({ job, movesTotal, bytesTotal, ...report }: SimulationReport): string[] => [
  `plan      ${job}: ${counted(movesTotal, 'move')}, ${formatBytes(bytesTotal)}, in ${report.batches} batches`,
  `time      ${formatDuration(report.makespanSeconds * 1_000)}, ` +
    `${report.makespanOverBound.toFixed(3)} × the bound of ${formatDuration(report.makespanBoundSeconds * 1_000)}`,
];

function howMuch({ cost, bytesCrossZone, budgets, peaks }: SimulationReport): string[] {
  const use = useOf(peaks, budgets);
  return [
    `cost      $${cost.dollars.toFixed(2)}: $${cost.dollarsCrossZone.toFixed(2)} for ` +
      `${formatBytes(bytesCrossZone)} between zones, $${cost.dollarsRequests.toFixed(2)} for requests, ` +
      `$${cost.dollarsCompute.toFixed(2)} for functions; about ${counted(cost.calls, 'call')}`,
    `at most   ${peaks.fleetBatches} batches at once (${formatShare(use.fleetBatches)} of the budget), ` +
      `${peaks.nodeBatches} at a node (${formatShare(use.nodeBatches)}), ` +
      `${formatBytes(peaks.nodeRateBytes)}/s at a node (${formatShare(use.nodeRate)})`,
  ];
}

function deadline({ deadline: misses }: SimulationReport): string[] {
  if (misses === undefined) return [];
  const by = formatDuration(misses.seconds * 1_000);
  const [last] = misses.lateNodes;
  if (last === undefined) return [`deadline  everything is done within ${by}`];
  return [
    `deadline  missed: after ${by}, ${counted(misses.moves, 'move')} and ${formatBytes(misses.bytes)} are left; ` +
      `${counted(misses.lateNodes.length, 'source')} late, ${last.node} by ` +
      `${formatDuration((last.doneSeconds - misses.seconds) * 1_000)}`,
  ];
}

function whoWaits({ waits }: SimulationReport): string {
  if (waits.length === 0) return 'Nothing moves, so nothing waits.';
  return table(
    ['NODE', 'WAY', 'BYTES', 'MOVES', 'BUSY', 'DONE', 'MOVES WAITING', 'WAIT AT MOST'],
    waits.map((end) => [
      end.node,
      end.direction,
      formatBytes(end.bytes),
      end.moves,
      formatShare(end.busyShare),
      formatDuration(end.doneSeconds * 1_000),
      end.movesWaiting,
      formatDuration(end.waitSecondsMax * 1_000),
    ]),
  );
}
