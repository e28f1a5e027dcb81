#!/usr/bin/env node
/**
 * Replays generated months through the autoscaler's decision and through the reference design's rule, and
 * prints what each did:
 *
 *   node test/bench/autoscaler.ts [SEEDS]
 *
 * Exits 1 if a month misses the bar: never above the hard limit, no flap, a fifth fewer node-hours.
 */
import { Policy } from '../../lib/contract/policy.ts';
import { loadShapes } from '../../lib/core/load.ts';
import { type Compared, compareMonth } from './autoscaler-months.ts';

const seeds = Number(process.argv[2] ?? 5);
const policy = Policy.parse({ nodeCapacityBytes: 1e12 });
const heads =
  'shape    seed  hours   ref h   saved  fill max  ref max  outs  ins  flaps  >0.95 h  TB  ref TB';
console.log(heads);
const months = loadShapes.flatMap((shape) =>
  Array.from({ length: seeds }, (_, seed) => {
    const month = compareMonth(seed + 1, shape, policy);
    console.log(lineOf(month));
    return month;
  }),
);

const worst = Math.min(...months.map(({ saved }) => saved));
const mean = months.reduce((sum, { saved }) => sum + saved, 0) / months.length;
const missed = months.filter(({ holds }) => !holds);
console.log(
  `${months.length} months: saved ${percent(mean)} on the mean, ${percent(worst)} at least; ${missed.length} miss the bar`,
);
process.exitCode = missed.length === 0 ? 0 : 1;

function lineOf({ shape, seed, ours, reference, saved, holds }: Compared): string {
  const cells = [
    shape.padEnd(8),
    String(seed).padStart(4),
    ours.nodeHours.toFixed(0).padStart(6),
    reference.nodeHours.toFixed(0).padStart(7),
    percent(saved).padStart(7),
    ours.fillMost.toFixed(3).padStart(9),
    reference.fillMost.toFixed(3).padStart(8),
    String(ours.scaleOuts).padStart(5),
    String(ours.scaleIns).padStart(4),
    String(ours.flaps).padStart(6),
    ours.hoursOverHard.toFixed(1).padStart(8),
    (ours.bytesMoved / 1e12).toFixed(0).padStart(3),
    (reference.bytesMoved / 1e12).toFixed(0).padStart(7),
    holds ? '' : '  MISSED',
  ];
  return cells.join(' ');
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
