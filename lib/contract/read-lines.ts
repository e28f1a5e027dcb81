import { StringDecoder } from 'node:string_decoder';
import { lineBytesMax } from '../core/limits.ts';

/** What is wrong with an input, in one sentence that names the line. */
export class InputError extends Error {
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`line ${line}: ${problem}`);
    this.name = 'InputError';
    this.line = line;
  }
}

/** Calls `each` with every line that is not blank and its number from 1; memory stays bounded. */
export async function readLines(
  input: AsyncIterable<Uint8Array | string>,
  each: (text: string, line: number) => void,
): Promise<void> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let line = 0;
  const take = (text: string) => {
    line++;
    if (text.length > lineBytesMax) throw tooLong(line, text.length);
    if (text.trim() !== '') each(text, line);
  };
  for await (const piece of input) {
    const lines = (rest + decoder.write(piece as Buffer)).split('\n');
    rest = lines.pop()!;
    lines.forEach(take);
    if (rest.length > lineBytesMax) throw tooLong(line + 1, rest.length);
  }
  rest += decoder.end();
  if (rest !== '') take(rest);
}

const tooLong = (line: number, found: number) =>
  new InputError(line, `is ${found} characters or longer, expected at most ${lineBytesMax}`);

/** A value as an error message shows it: JSON, cut short. */
export function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}…`;
}

/** The line as a JSON object, or what it is instead. */
export function parseObject(text: string, line: number): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(line, `not valid JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(line, `found ${shown(value)}, expected a JSON object`);
  }
  return value as Record<string, unknown>;
}

/** Fails with the field, what was found and what was expected. */
export function wrongField(line: number, field: string, found: unknown, expected: string): never {
  throw new InputError(line, `${field} is ${shown(found)}, expected ${expected}`);
}

export const isWhole = (value: unknown, min: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= min;

export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length >= 1 && value.length <= 256;
