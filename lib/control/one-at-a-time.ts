/**
 * Runs `work` for all who ask, one run at a time: who asks while one is under way shares the next with all others who
 * do, because the one that runs may have begun before what they ask for. It gets what the last of them gives.
 */
export function oneAtATime<Input>(
  work: (input: Input) => Promise<void>,
): (input: Input) => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  let latest: Input;
  const run = (): Promise<void> => {
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
