import { InvalidArgumentError } from '@commander-js/extra-typings';

/** Parsers of option values; what they throw becomes one sentence. */

export function wholeNumber(min: number, max: number) {
  return (typed: string): number => {
    const value = Number(typed);
    if (/^\d+$/.test(typed) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** `2h` from now, or a date such as `2026-08-27T12:00Z` → epoch milliseconds, once now is known. */
export function moment(typed: string): (now: number) => number {
  const date = /^\d{4}-/.test(typed) ? Date.parse(typed) : Number.NaN;
  if (Number.isFinite(date)) return () => date;
  const ms = durationOf(typed);
  if (ms !== undefined) return (now) => now + ms;
  throw new InvalidArgumentError('It must be a time such as 2h (from now) or 2026-08-27T12:00Z.');
}

/** `90`, `90s`, `5m`, `2h` → milliseconds. */
export function duration(typed: string): number {
  const ms = durationOf(typed);
  if (ms !== undefined) return ms;
  throw new InvalidArgumentError('It must be a length of time such as 90, 90s, 5m or 2h.');
}

function durationOf(typed: string): number | undefined {
  const [, digits, unit = 's'] = /^(\d+)([smh]?)$/.exec(typed) ?? [];
  return digits === undefined ? undefined : Number(digits) * unitMs[unit || 's']!;
}
