/**
 * Runs `work` for all who ask, one run at a time: who asks while one is under way shares the next with all others who
 * do, because the one that runs may have begun before what they ask for. It gets what the last of them gives.
 */
export function oneAtATime<Input, Result>(
  work: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  let running: Promise<Result> | undefined;
  let next: Promise<Result> | undefined;
  let latest: Input;
  const run = (): Promise<Result> => {
    next = undefined;
    running = work(latest).finally(() => {
      if (next === undefined) running = undefined;
    });
    return running;
  };
  return (input) => {
    latest = input;
    if (running === undefined) return run();
    next ??= running.then(run, run);
    return next;
  };
}
