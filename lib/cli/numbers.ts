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

/** `90`, `90s`, `5m`, `2h` → milliseconds. */
export function duration(typed: string): number {
  const [, digits, unit = 's'] = /^(\d+)([smh]?)$/.exec(typed) ?? [];
  if (digits === undefined) {
    throw new InvalidArgumentError('It must be a length of time such as 90, 90s, 5m or 2h.');
  }
  return Number(digits) * unitMs[unit || 's']!;
}
