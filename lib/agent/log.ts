/** One event, one line of JSON. */
export type Log = (event: string, details?: Readonly<Record<string, unknown>>) => void;

export const logTo =
  (write: (line: string) => unknown, now: () => number): Log =>
  (event, details = {}) => {
    write(`${JSON.stringify({ at: new Date(now()).toISOString(), event, ...details })}\n`);
  };
