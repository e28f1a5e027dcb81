/**
 * The reference design's own impact controller (row 14), as a rule to compare with: at most five tasks at
 * once, each with 10 MB/s reserved at its source and its target, 100 MB/s a node; a task that does not fit
 * goes back to the head of the queue, and all behind it wait.
 */
import { NodeHeap } from '../../lib/core/node-heap.ts';
import type { Batch } from '../../lib/core/schedule.ts';

const concurrentMax = 5;
const taskRateBytes = 10e6;

/** Seconds until its last task has ended. Tasks come in the order of their plan. */
export function referenceMakespan(
  tasks: readonly Batch[],
  rateOf: (node: string) => number,
): number {
  const used = new Map<string, number>();
  const running: Batch[] = [];
  const ends = new NodeHeap();
  const change = (task: Batch, sign: 1 | -1) => {
    for (const end of [`out ${task.from}`, `in ${task.to}`])
      used.set(end, (used.get(end) ?? 0) + sign * taskRateBytes);
  };
  const fits = ({ from, to }: Batch) =>
    (used.get(`out ${from}`) ?? 0) + taskRateBytes <= rateOf(from) &&
    (used.get(`in ${to}`) ?? 0) + taskRateBytes <= rateOf(to);
  let now = 0;
  for (const task of tasks) {
    while (ends.size >= concurrentMax || !fits(task)) {
      now = ends.topKey;
      change(running[ends.top]!, -1);
      ends.pop();
    }
    change(task, 1);
    ends.push(running.push(task) - 1, now + task.bytes / taskRateBytes);
  }
  while (ends.size > 0) {
    now = ends.topKey;
    ends.pop();
  }
  return now;
}
