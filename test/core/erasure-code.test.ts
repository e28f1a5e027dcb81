import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ReedSolomonErasure } from '@digitaldefiance/reed-solomon-erasure.wasm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeChunk,
  type ErasureCode,
  encodeShards,
  rebuildShard,
} from '../../lib/core/erasure-code.ts';
import { addScaled, times } from '../../lib/core/galois.ts';
import { subsetsOf } from '../support/subsets.ts';

const wasm = fileURLToPath(import.meta.resolve('@digitaldefiance/reed-solomon-erasure.wasm/wasm'));

/** Bytes that look like chance and are always the same. */
function bytesOf(length: number, seed = 1): Uint8Array {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

const codes: readonly ErasureCode[] = [
  { data: 4, parity: 2 },
  { data: 6, parity: 3 },
];

describe('encoding', () => {
  test.each([
    [1, 1],
    [2, 1],
    [4, 2],
    [6, 3],
    [10, 4],
    [17, 3],
  ])('gives the shards of another library: %i + %i', (data, parity) => {
    const shardBytes = 20_011;
    const chunk = bytesOf(data * shardBytes);
    const theirs = new Uint8Array((data + parity) * shardBytes);
    theirs.set(chunk);
    const library = ReedSolomonErasure.fromBytes(readFileSync(wasm));
    expect(library.encode(theirs, data, parity)).toBe(ReedSolomonErasure.RESULT_OK);
    expect(Buffer.concat(encodeShards(chunk, { data, parity })).equals(theirs)).toBe(true);
  });

  test.each([
    [0, 4, [0, 0, 0, 0, 0, 0]],
    [1, 4, [1, 1, 1, 1, 1, 1]],
    [5, 4, [2, 2, 2, 2, 2, 2]],
    [8, 4, [2, 2, 2, 2, 2, 2]],
  ])('cuts %i bytes over %i data shards', (size, data, lengths) => {
    const shards = encodeShards(bytesOf(size), { data, parity: 2 });
    expect(shards.map(({ length }) => length)).toEqual(lengths);
  });

  test('keeps the chunk readable in its data shards', () => {
    const chunk = bytesOf(1_001);
    const shards = encodeShards(chunk, { data: 4, parity: 2 });
    expect(Buffer.concat(shards.slice(0, 4)).subarray(0, 1_001).equals(chunk)).toBe(true);
  });
});

describe.each(codes)('$data + $parity', (code) => {
  const slots = Array.from({ length: code.data + code.parity }, (_, slot) => slot);
  const losses = subsetsOf(slots, code.parity);

  test.each([0, 1, 5, 1_001, 100_003])('every way of losing m shards of %i bytes', (size) => {
    const chunk = bytesOf(size);
    const shards = encodeShards(chunk, code);
    for (const lost of losses) {
      const left = slots.filter((slot) => !lost.includes(slot));
      const kept = new Map(left.map((slot) => [slot, shards[slot]!]));
      expect(Buffer.from(decodeChunk(kept, code, size)).equals(chunk)).toBe(true);
      for (const slot of lost) {
        const rebuilt = rebuildShard(
          code,
          slot,
          left,
          left.map((source) => shards[source]!),
        );
        expect(Buffer.from(rebuilt).equals(shards[slot]!)).toBe(true);
      }
    }
    expect(losses).toHaveLength(code.data === 4 ? 15 : 84);
  });
});

test('any code, size and loss', () => {
  const wanted = fc.record({
    data: fc.integer({ min: 1, max: 20 }),
    parity: fc.integer({ min: 0, max: 8 }),
    size: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 60_000, max: 70_000 })),
    seed: fc.nat(),
  });
  fc.assert(
    fc.property(wanted, ({ data, parity, size, seed }) => {
      const code = { data, parity };
      const shards = encodeShards(bytesOf(size, seed), code);
      const order = shards.map((_, slot) => slot).sort((l, r) => rank(l, seed) - rank(r, seed));
      const kept = new Map(order.slice(0, data).map((slot) => [slot, shards[slot]!]));
      return Buffer.from(decodeChunk(kept, code, size)).equals(bytesOf(size, seed));
    }),
    { numRuns: 60 },
  );
});

const rank = (slot: number, seed: number): number => Math.imul(slot + 1, seed | 1) >>> 0;

test('sums are right wherever the bytes begin', () => {
  const memory = bytesOf(70_000);
  for (const from of [0, 1, 2, 3]) {
    const bytes = memory.subarray(from, from + 65_541);
    const sum = new Uint8Array(bytes.length);
    addScaled(sum, bytes, 29);
    expect(sum.every((byte, at) => byte === times(29, bytes[at]!))).toBe(true);
  }
});
