import { Refusal } from './refusal.ts';

export interface ByteRange {
  /** First byte, and the byte after the last. */
  readonly from: number;
  readonly to: number;
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The bytes that a `Range` header asks for (RFC 9110 §14): one range; several, or what is no range of
 * bytes, give the whole.
 *
 * @throws Refusal 'bad-range' where the range begins past the end
 */
export function rangeOf(header: string | undefined, size: number): ByteRange {
  const whole = { from: 0, to: size, status: 200, headers: { 'accept-ranges': 'bytes' } } as const;
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return whole;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (from >= to)
    throw new Refusal('bad-range', `${header} is not within the ${size} bytes of this chunk`);
  const headers = { 'content-range': `bytes ${from}-${to - 1}/${size}` };
  return { from, to, status: 206, headers };
}
