/** Arithmetic of GF(256) over x⁸ + x⁴ + x³ + x² + 1: bytes add by XOR, and every one but 0 has an inverse. */

const polynomial = 0x11d;

/** Powers of the generator 2, twice around, and their logarithms. */
const powers = new Uint8Array(510);
const logs = new Uint8Array(256);
for (let exponent = 0, value = 1; exponent < 255; exponent++) {
  powers[exponent] = powers[exponent + 255] = value;
  logs[value] = exponent;
  value = value < 128 ? value << 1 : (value << 1) ^ polynomial;
}

export const times = (left: number, right: number): number =>
  left === 0 || right === 0 ? 0 : powers[logs[left]! + logs[right]!]!;

/** `value` must not be 0. */
export const inverseOf = (value: number): number => powers[255 - logs[value]!]!;

export const power = (base: number, exponent: number): number =>
  exponent === 0 ? 1 : base === 0 ? 0 : powers[(logs[base]! * exponent) % 255]!;

/** Products of two bytes at once: 128 KiB a factor stay in the second cache; 255 factors are 32 MiB at most. */
const pairTables = new Map<number, Uint16Array>();

function pairTable(factor: number): Uint16Array {
  const known = pairTables.get(factor);
  if (known !== undefined) return known;
  const products = Uint16Array.from({ length: 256 }, (_, byte) => times(factor, byte));
  const table = Uint16Array.from(
    { length: 65_536 },
    (_, pair) => products[pair & 255]! | (products[pair >> 8]! << 8),
  );
  pairTables.set(factor, table);
  return table;
}

/** Below so many bytes the table costs more than it saves. */
const tableBytesMin = 16_384;

/** `sum += factor × bytes`, byte by byte; `sum` is as long as `bytes`. */
export function addScaled(sum: Uint8Array, bytes: Uint8Array, factor: number): void {
  if (factor === 0) return;
  const isLarge = bytes.length >= tableBytesMin && sum.byteOffset % 4 === 0;
  const words = isLarge ? bytes.length >> 2 : 0;
  if (words > 0) addWords(sum, bytes, words, pairTable(factor));
  const log = logs[factor]!;
  for (let at = words << 2; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte !== 0) sum[at]! ^= powers[log + logs[byte]!]!;
  }
}

function addWords(sum: Uint8Array, bytes: Uint8Array, words: number, table: Uint16Array): void {
  // A socket's pieces begin anywhere; words begin at multiples of four.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  const from = new Int32Array(aligned.buffer, aligned.byteOffset, words);
  const into = new Int32Array(sum.buffer, sum.byteOffset, words);
  for (let at = 0; at < words; at++) {
    const word = from[at]!;
    into[at]! ^= table[word & 0xffff]! | (table[word >>> 16]! << 16);
  }
}
