import * as z from 'zod/mini';
import { type Redundancy, slotCount } from '../core/fleet.ts';

const count = z.int().check(z.nonnegative());

export const RedundancyRecord = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('replicated'), copies: count }),
  z.object({ kind: z.literal('erasure'), data: count, parity: count }),
]);

/**
 * Slots of a chunk that is written: its commit is one transaction of 100 items, which are the chunk, a list
 * of inventory and a guard for each holder.
 */
export const slotsPerWriteMax = 49;

/** Why no chunk can be written so, as the end of a sentence that begins with the rule; if so. */
export function whyNotWritable(redundancy: Redundancy): string | undefined {
  if (redundancy.kind === 'replicated' && redundancy.copies < 1) return 'keeps no copy';
  if (redundancy.kind === 'erasure' && redundancy.data < 1) return 'has no data shard';
  if (redundancy.kind === 'erasure' && redundancy.parity < 1) {
    return 'has no parity shard, so no node may be lost';
  }
  const slots = slotCount(redundancy);
  return slots > slotsPerWriteMax
    ? `makes ${slots} shards or copies of a chunk: at most ${slotsPerWriteMax} are allowed`
    : undefined;
}

/** What operators and the policy may ask of new chunks. */
export const WritableRedundancy = RedundancyRecord.check(
  z.refine((value) => whyNotWritable(value) === undefined, 'no chunk can be written so'),
);

const pattern =
  /^(?:(?:replicated:)?(?<copies>\d{1,6})|erasure:(?<data>\d{1,6})\+(?<parity>\d{1,6}))$/;

/** `replicated:3` (or `3`) and `erasure:4+2`; `undefined` for anything else. */
export function parseRedundancy(text: string): Redundancy | undefined {
  const { copies, data, parity } = pattern.exec(text)?.groups ?? {};
  if (copies !== undefined) return { kind: 'replicated', copies: Number(copies) };
  if (data === undefined || parity === undefined) return undefined;
  return { kind: 'erasure', data: Number(data), parity: Number(parity) };
}

/** As {@link parseRedundancy} reads it. */
export const formatRedundancy = (redundancy: Redundancy): string =>
  redundancy.kind === 'replicated'
    ? `replicated:${redundancy.copies}`
    : `erasure:${redundancy.data}+${redundancy.parity}`;
