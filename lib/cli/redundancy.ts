import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseRedundancy, whyNotWritable } from '../contract/redundancy.ts';
import type { Redundancy } from '../core/fleet.ts';

/** `replicated:3`, `3` or `erasure:4+2`; what it throws becomes one sentence. */
export function redundancy(typed: string): Redundancy {
  const rule = parseRedundancy(typed);
  if (rule === undefined)
    throw new InvalidArgumentError('It must be like replicated:3 or erasure:4+2.');
  const problem = whyNotWritable(rule);
  if (problem !== undefined) throw new InvalidArgumentError(`It ${problem}.`);
  return rule;
}
