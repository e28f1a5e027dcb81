import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { journalLineBytesMax } from './limits.ts';
import type { JournalRecord } from './shelves.ts';

/**
 * The journal's format, version 1: lines of `crc32 of the rest, 8 hex digits` + space + JSON. The first
 * line holds `"ballast journal 1"`, each other one an array of records that became durable by one sync.
 * So a line is torn only if none of its records was ever promised to anybody.
 *
 * `["p", chunk, slot, size, sha256, epoch]` put   `["d", chunk, fence]` delete   `["f", chunk, fence]` fence
 */
const header = '"ballast journal 1"';

export class JournalDamaged extends Error {
  override readonly name = 'JournalDamaged';
}

function line(json: string): Buffer {
  return Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
}

export const headerLine = (): Buffer => line(header);

export const recordsLine = (records: readonly JournalRecord[]): Buffer =>
  line(JSON.stringify(records.map(fields)));

function fields(record: JournalRecord): readonly (string | number)[] {
  if (record.kind !== 'put')
    return [record.kind === 'delete' ? 'd' : 'f', record.chunk, record.epoch];
  const { chunk, slot, size, sha256, epoch } = record;
  return ['p', chunk, slot, size, sha256, epoch];
}

function recordOf([letter, chunk, ...rest]: readonly (string | number)[]): JournalRecord {
  if (letter === 'p') {
    const [slot, size, sha256, epoch] = rest as [number, number, string, number];
    // One string in memory where the chunk is named by its checksum.
    const checksum = sha256 === chunk ? chunk : sha256;
    return { kind: 'put', chunk: chunk as string, slot, size, sha256: checksum, epoch };
  }
  const kind = letter === 'd' ? 'delete' : 'fence';
  return { kind, chunk: chunk as string, epoch: rest[0] as number };
}

/** What a replay found: the journal up to `bytes` is sound, `torn` bytes after it never were. */
export interface Replayed {
  readonly bytes: number;
  readonly torn: number;
  readonly records: number;
}

/**
 * Reads a journal from its beginning. A last line that is cut short or fails its check is torn: the
 * process or the machine stopped while it was written.
 *
 * @throws JournalDamaged where a line that is followed by others, or the header, fails its check
 */
export async function replay(
  path: string,
  apply: (record: JournalRecord) => void,
): Promise<Replayed> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let bytes = 0;
    let records = 0;
    for await (const { text, end } of linesOf(file)) {
      const content = text === undefined ? undefined : contentOf(text);
      const isFirst = bytes === 0;
      if (isFirst ? content !== header : content === undefined) {
        if (end < size) throw damaged(path, bytes);
        break;
      }
      if (!isFirst) {
        const found = JSON.parse(content!) as (string | number)[][];
        for (const each of found) apply(recordOf(each));
        records += found.length;
      }
      bytes = end;
    }
    return { bytes, torn: size - bytes, records };
  } finally {
    await file.close();
  }
}

const damaged = (path: string, at: number): JournalDamaged =>
  new JournalDamaged(
    `${path} is damaged at byte ${at}, with sound records after it: what this disk holds is not known. ` +
      'Keep the directory for inspection and start the node with an empty one.',
  );

function contentOf(text: string): string | undefined {
  const json = text.slice(9);
  const sound = text[8] === ' ' && Number.parseInt(text.slice(0, 8), 16) === crc32(json);
  return sound ? json : undefined;
}

interface Line {
  /** Without its end; `undefined` where it is endless, or not ended by the file's end. */
  readonly text: string | undefined;
  /** Offset of the byte after it. */
  readonly end: number;
}

const newline = 10;

async function* linesOf(file: FileHandle): AsyncGenerator<Line> {
  const buffer = Buffer.allocUnsafe(2 * journalLineBytesMax);
  let offset = 0;
  let kept = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, kept, buffer.length - kept, offset + kept);
    const filled = kept + bytesRead;
    let start = 0;
    for (;;) {
      const at = buffer.subarray(0, filled).indexOf(newline, start);
      if (at < 0) break;
      yield { text: buffer.toString('latin1', start, at), end: offset + at + 1 };
      start = at + 1;
    }
    const rest = filled - start;
    if (rest > 0 && (bytesRead === 0 || rest > journalLineBytesMax)) {
      yield { text: undefined, end: offset + filled };
      return;
    }
    if (bytesRead === 0) return;
    buffer.copyWithin(0, start, filled);
    offset += start;
    kept = rest;
  }
}
