import { InvalidArgumentError } from '@commander-js/extra-typings';

/** Parsers of option values; what they throw becomes one sentence. */

export function wholeNumber(min: number, max: number) {
  return (typed: string): number => {
    const value = Number(typed);
    if (/^\d+$/.test(typed) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

/** A share of 1. */
export function share(typed: string): number {
  const value = Number(typed);
  if (/^\d*\.?\d+$/.test(typed) && value <= 1) return value;
  throw new InvalidArgumentError('It must be a share such as 0.01.');
}

const unitMs: Readonly<Record<string, number>> = {
  ...{ s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 },
};

/** A moment, epoch milliseconds, told the present one. */
export type Moment = (now: number) => number;

const lengthPattern = /^(?:\d+[dhms])+$/;
const isoPattern = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?$/;

/** `90m`, `2h30m` from now, or an ISO 8601 time such as `2026-01-31T06:00Z`. */
export function moment(typed: string): Moment {
  if (lengthPattern.test(typed)) {
    const parts = typed.match(/\d+[dhms]/g)!;
    const ms = parts.reduce(
      (sum, part) => sum + Number.parseInt(part, 10) * unitMs[part.at(-1)!]!,
      0,
    );
    return (now) => now + ms;
  }
  const at = isoPattern.test(typed) ? Date.parse(typed) : Number.NaN;
  if (!Number.isNaN(at)) return () => at;
  throw new InvalidArgumentError(
    'It must be a time such as 2h30m (from now) or 2026-01-31T06:00Z.',
  );
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
