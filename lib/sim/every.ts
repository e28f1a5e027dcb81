import type { Ground } from './process.ts';

/** Runs it again and again, each time after about so long: schedules drift apart. */
export function every(
  ground: Pick<Ground, 'scheduler' | 'random'>,
  periodMs: number,
  run: () => void,
): void {
  const { scheduler, random } = ground;
  scheduler.after(periodMs * random.between(0.8, 1.2), () => {
    run();
    every(ground, periodMs, run);
  });
}
