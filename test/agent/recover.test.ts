import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { receiveBody } from '../../lib/agent/incoming.ts';
import { Journal } from '../../lib/agent/journal.ts';
import { recordsLine } from '../../lib/agent/journal-lines.ts';
import { compactRecordsMin } from '../../lib/agent/limits.ts';
import { type JournalRecord, Shelves } from '../../lib/agent/shelves.ts';
import { Store } from '../../lib/agent/store.ts';
import { arrivalOf, sha256Of } from './arrivals.ts';
import { temporaryDirectory } from './started-agent.ts';

const open = (directory: string, logged: string[] = []) =>
  Store.open({
    directory,
    capacityBytes: 1e9,
    now: () => performance.now(),
    log: (event) => logged.push(event),
  });
const idOf = (text: string): string => sha256Of(Buffer.from(text));
const fileOf = (directory: string, chunk: string): string =>
  `${directory}/chunks/${chunk[0]}/${chunk}`;

async function store(
  into: Store,
  text: string,
  over: { chunk?: string; epoch?: number } = {},
): Promise<string> {
  const { chunk, sha256, bytes } = arrivalOf(Buffer.from(text), over);
  const incoming = into.receive({
    chunk,
    slot: 0,
    size: bytes.length,
    sha256,
    epoch: over.epoch ?? 1,
  });
  await receiveBody(incoming, [bytes] as unknown as AsyncIterable<Uint8Array>, sha256);
  await incoming.end();
  return chunk;
}

async function diskWith(texts: readonly string[]): Promise<string> {
  const directory = await temporaryDirectory();
  const full = await open(directory);
  for (const text of texts) await store(full, text);
  await full.close();
  return directory;
}
const heldIn = async (directory: string, logged: string[] = []): Promise<string[]> => {
  const opened = await open(directory, logged);
  const held = opened.held('', 100).map(({ chunk }) => chunk);
  await opened.close();
  return held;
};
const putRecord = (text: string, over: object = {}): JournalRecord => ({
  kind: 'put',
  chunk: idOf(text),
  slot: 0,
  size: text.length,
  sha256: idOf(text),
  epoch: 1,
  ...over,
});

describe('what a crash left', () => {
  test('temporary files are removed', async () => {
    const directory = await diskWith(['a']);
    await writeFile(`${directory}/tmp/half`, 'x');
    expect(await heldIn(directory)).toEqual([idOf('a')]);
    expect(await readdir(`${directory}/tmp`)).toEqual([]);
  });

  test('a put without its file is not held, its fence stays', async () => {
    const directory = await diskWith([]);
    await appendFile(`${directory}/journal`, recordsLine([putRecord('a', { epoch: 7 })]));
    const opened = await open(directory);
    expect(opened.chunks).toBe(0);
    await expect(store(opened, 'a', { epoch: 6 })).rejects.toMatchObject({ kind: 'below-fence' });
    await store(opened, 'a', { epoch: 7 });
    await opened.close();
  });

  test('a delete that was journalled is finished', async () => {
    const directory = await diskWith(['a', 'b']);
    await appendFile(
      `${directory}/journal`,
      recordsLine([{ kind: 'delete', chunk: idOf('a'), epoch: 1 }]),
    );
    expect(await heldIn(directory)).toEqual([idOf('b')]);
    await expect(readFile(fileOf(directory, idOf('a')))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('a second put that did not get its name leaves the first, with the fence of the second', async () => {
    const directory = await temporaryDirectory();
    const chunk = idOf('chunk');
    const full = await open(directory);
    await store(full, 'one', { chunk });
    await full.close();
    const second = { chunk, sha256: idOf('two'), size: 3, epoch: 4 };
    await appendFile(`${directory}/journal`, recordsLine([putRecord('two', second)]));
    const opened = await open(directory);
    expect(opened.held('', 9)).toMatchObject([{ sha256: idOf('one'), epoch: 1 }]);
    expect(await opened.remove(chunk, 3)).toBe('below-fence');
    await opened.close();
  });

  test('a second put that got its name replaces the first, whatever became of its receipt', async () => {
    const directory = await temporaryDirectory();
    const chunk = idOf('chunk');
    const full = await open(directory);
    await store(full, 'one', { chunk });
    await store(full, 'two', { chunk, epoch: 4 });
    await full.close();
    const opened = await open(directory);
    expect(opened.held('', 9)).toMatchObject([{ sha256: idOf('two'), epoch: 4 }]);
    await opened.close();
  });

  test('a file that is not whole is not held', async () => {
    const directory = await diskWith(['abc']);
    await truncate(fileOf(directory, idOf('abc')), 2);
    expect(await heldIn(directory)).toEqual([]);
  });

  test('a file of which the journal says nothing is removed', async () => {
    const directory = await diskWith(['a']);
    await writeFile(fileOf(directory, idOf('b')), 'b');
    expect(await heldIn(directory)).toEqual([idOf('a')]);
  });
});

describe('the journal', () => {
  test('cut anywhere within its last line loses that line alone', async () => {
    const directory = await diskWith(['a']);
    const { length } = await readFile(`${directory}/journal`);
    const line = recordsLine([putRecord('zz'), putRecord('yy')]);
    for (let cut = 0; cut < line.length; cut += 7) {
      await truncate(`${directory}/journal`, length);
      await appendFile(`${directory}/journal`, line.subarray(0, cut));
      const logged: string[] = [];
      expect(await heldIn(directory, logged)).toEqual([idOf('a')]);
      expect(logged).toEqual(cut === 0 ? [] : ['journal-end-cut']);
      expect((await readFile(`${directory}/journal`)).length).toBe(length);
    }
  });

  test('whose end is zeros, as some file systems leave it, is cut there', async () => {
    const directory = await diskWith(['a']);
    await appendFile(`${directory}/journal`, Buffer.alloc(5_000));
    expect(await heldIn(directory)).toEqual([idOf('a')]);
  });

  test('damaged before its end is a refusal to start, and nothing is touched', async () => {
    const directory = await diskWith(['a', 'b', 'c']);
    const journal = await readFile(`${directory}/journal`);
    for (let at = 0; at < journal.length - 260; at += 41) {
      const wrong = Buffer.from(journal);
      wrong[at]! ^= 1;
      await writeFile(`${directory}/journal`, wrong);
      await expect(open(directory)).rejects.toThrow(/is damaged at byte \d+/);
      expect(await readFile(`${directory}/journal`)).toEqual(wrong);
    }
    for (const text of ['a', 'b', 'c']) await readFile(fileOf(directory, idOf(text)));
  });

  test('damaged in a last line that did become durable is a refusal too: its files tell', async () => {
    const directory = await diskWith(['a', 'b']);
    const journal = await readFile(`${directory}/journal`);
    journal[journal.length - 10]! ^= 1;
    await writeFile(`${directory}/journal`, journal);
    await expect(open(directory)).rejects.toThrow(/records are lost/);
    await readFile(fileOf(directory, idOf('b')));
  });

  test('that is gone is a refusal to start while chunks are there', async () => {
    const directory = await diskWith(['a']);
    await rm(`${directory}/journal`);
    await expect(open(directory)).rejects.toThrow(/has no journal/);
    await readFile(fileOf(directory, idOf('a')));
  });

  test('an empty disk is another incarnation, a restart is not', async () => {
    const directory = await temporaryDirectory();
    const incarnations: string[] = [];
    for (const act of [
      async () => {},
      () => rm(directory, { recursive: true }),
      () => mkdir(directory, { recursive: true }),
    ]) {
      const opened = await open(directory);
      incarnations.push(opened.incarnation);
      await opened.close();
      await act();
    }
    const [first, again, wiped] = incarnations;
    expect(again).toBe(first);
    expect(wiped).not.toBe(first);
  });

  test('is written anew when most of it is overtaken, while it is appended to, and says the same', async () => {
    const directory = await temporaryDirectory();
    await Journal.create(directory);
    const now = () => 0;
    const shelves = new Shelves(now);
    const journal = await Journal.open(
      directory,
      shelves,
      await Journal.replay(directory, (record) => shelves.apply(record)),
    );
    const ids = Array.from({ length: 50 }, () => randomBytes(32).toString('hex'));
    const puts = Array.from({ length: compactRecordsMin + 2_000 }, (_, epoch) => {
      const chunk = ids[epoch % ids.length]!;
      return journal.append({ kind: 'put', chunk, slot: 0, size: 1, sha256: chunk, epoch });
    });
    await Promise.all(puts);
    for (const chunk of ids.slice(0, 10)) shelves.arrived(chunk);
    await journal.append({ kind: 'delete', chunk: ids[0]!, epoch: shelves.fence(ids[0]!)! });
    await journal.close();
    const again = new Shelves(now);
    const { records } = await Journal.replay(directory, (record) => again.apply(record));
    expect(records).toBeLessThan(compactRecordsMin);
    expect(ids.map((id) => again.fence(id))).toEqual(ids.map((id) => shelves.fence(id)));
  });
});
