/**
 * Reed–Solomon over GF(256), systematic: shard i < k is the i-th run of ⌈size / k⌉ bytes of the chunk, the
 * last ones padded with zeros; shards k … k + m - 1 are parity. Any k of them give the chunk. The matrix is
 * Plank's Vandermonde matrix made systematic (Plank 1997, corrected by Plank and Ding 2005), as Backblaze's
 * library and its ports have it: their shards and ours are the same bytes.
 */
import { assert } from './assert.ts';
import type { Redundancy } from './fleet.ts';
import { addScaled, inverseOf, power, times } from './galois.ts';
import { slotsPerChunkMax } from './limits.ts';

export type ErasureCode = Pick<Extract<Redundancy, { kind: 'erasure' }>, 'data' | 'parity'>;

/** Rows of bytes. */
type Matrix = readonly Uint8Array[];

/** By code: row i makes shard i of the data shards. */
const matrices = new Map<string, Matrix>();

/** The shards of a chunk, by slot. Data shards share the chunk's memory where they are not padded. */
export function encodeShards(chunk: Uint8Array, code: ErasureCode): readonly Uint8Array[] {
  const shardBytes = Math.ceil(chunk.length / code.data);
  const data = Array.from({ length: code.data }, (_, slot) =>
    padded(chunk.subarray(slot * shardBytes, (slot + 1) * shardBytes), shardBytes),
  );
  const parity = matrixOf(code)
    .slice(code.data)
    .map((row) => combine(data, row, shardBytes));
  return [...data, ...parity];
}

function padded(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes;
  const shard = new Uint8Array(length);
  shard.set(bytes);
  return shard;
}

/** The chunk of `size` bytes from at least k of its shards, by slot. */
export function decodeChunk(
  shards: ReadonlyMap<number, Uint8Array>,
  code: ErasureCode,
  size: number,
): Uint8Array {
  const shardBytes = Math.ceil(size / code.data);
  const chunk = new Uint8Array(size);
  const sources = [...shards.keys()].sort((left, right) => left - right).slice(0, code.data);
  for (let slot = 0; slot * shardBytes < size; slot++) {
    const shard =
      shards.get(slot) ??
      combine(
        sources.map((source) => shards.get(source)!),
        rebuildFactors(code, slot, sources),
        shardBytes,
      );
    const at = slot * shardBytes;
    chunk.set(shard.subarray(0, Math.min(shardBytes, size - at)), at);
  }
  return chunk;
}

/** One shard from k others: `shards[i]` is that of slot `sources[i]`. */
export const rebuildShard = (
  code: ErasureCode,
  slot: number,
  sources: readonly number[],
  shards: readonly Uint8Array[],
): Uint8Array => combine(shards, rebuildFactors(code, slot, sources), shards[0]?.length ?? 0);

/**
 * The shard of `slot` is the sum of these factors times the shards of `sources`, byte by byte: whoever
 * rebuilds may do so as the bytes come. `sources` are k distinct slots.
 */
export function rebuildFactors(
  code: ErasureCode,
  slot: number,
  sources: readonly number[],
): Uint8Array {
  assert(sources.length === code.data, 'a shard is rebuilt from k shards');
  const matrix = matrixOf(code);
  const inverse = invert(sources.map((source) => matrix[source]!));
  return rowTimes(matrix[slot]!, inverse);
}

function combine(shards: readonly Uint8Array[], factors: Uint8Array, length: number): Uint8Array {
  const sum = new Uint8Array(length);
  for (const [i, shard] of shards.entries()) addScaled(sum, shard, factors[i]!);
  return sum;
}

function matrixOf({ data, parity }: ErasureCode): Matrix {
  const key = `${data}+${parity}`;
  const known = matrices.get(key);
  if (known !== undefined) return known;
  assert(data > 0 && data + parity <= slotsPerChunkMax, `${key} is a code over GF(256)`);
  const vandermonde = Array.from({ length: data + parity }, (_, row) =>
    Uint8Array.from({ length: data }, (_, column) => power(row, column)),
  );
  const inverse = invert(vandermonde.slice(0, data));
  const matrix = vandermonde.map((row) => rowTimes(row, inverse));
  matrices.set(key, matrix);
  return matrix;
}

const rowTimes = (row: Uint8Array, matrix: Matrix): Uint8Array =>
  Uint8Array.from(row, (_, column) =>
    row.reduce((sum, factor, i) => sum ^ times(factor, matrix[i]![column]!), 0),
  );

/** Gauss and Jordan's way, on a copy beside the unit matrix. */
function invert(square: Matrix): Matrix {
  const size = square.length;
  const rows = square.map((row, i) => {
    const wide = new Uint8Array(2 * size);
    wide.set(row);
    wide[size + i] = 1;
    return wide;
  });
  for (let column = 0; column < size; column++) {
    const pivot = rows.findIndex((row, i) => i >= column && row[column] !== 0);
    assert(pivot >= 0, 'any k rows of the matrix are independent');
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    clearColumn(rows, column);
  }
  return rows.map((row) => row.subarray(size));
}

/** Makes the column 1 in its own row and 0 in all others. */
function clearColumn(rows: readonly Uint8Array[], column: number): void {
  const own = rows[column]!;
  const scale = inverseOf(own[column]!);
  for (let at = 0; at < own.length; at++) own[at] = times(own[at]!, scale);
  for (const row of rows) {
    const factor = row[column]!;
    if (row !== own && factor !== 0) addScaled(row, own, factor);
  }
}
