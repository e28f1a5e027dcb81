/**
 * Recorded history as NDJSON: a header `{"history":1}`, then a record a line, oldest first, as
 * `HistoryRecord` in records.ts has it.
 */
import { InputError, parseObject, readLines, wrongField } from './read-lines.ts';
import { HistoryRecord } from './records.ts';

export function* historyLines(history: Iterable<HistoryRecord>): Generator<string> {
  yield `${JSON.stringify({ history: 1 })}\n`;
  for (const { at, zones, decision, reasons, job } of history) {
    yield `${JSON.stringify({ at, zones, decision, reasons, job })}\n`;
  }
}

/** @throws InputError */
export async function readHistoryLines(
  input: AsyncIterable<Uint8Array | string>,
): Promise<readonly HistoryRecord[]> {
  const records: HistoryRecord[] = [];
  let header = false;
  await readLines(input, (text, line) => {
    const value = parseObject(text, line);
    if (!header) {
      if (value.history !== 1) wrongField(line, 'history', value.history, '1');
      header = true;
      return;
    }
    const record = recordOf(value, line);
    if (record.at <= (records.at(-1)?.at ?? -1)) {
      wrongField(line, 'at', record.at, 'a later moment than in the line before');
    }
    records.push(record);
  });
  if (records.length < 2) {
    throw new InputError(1, `${records.length} records follow, expected two at least`);
  }
  return records;
}

function recordOf(value: Record<string, unknown>, line: number): HistoryRecord {
  const parsed = HistoryRecord.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new InputError(line, `${path.join('.')}: ${message.toLowerCase()}`);
}
