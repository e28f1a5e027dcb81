import { closeSync, fdatasyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** An append-only file of JSON lines: the last line of each key is its value. A torn last line is dropped. */
export class RecordFile<Value> {
  readonly #path: string;
  readonly #keyOf: (value: Value) => string;
  #file: number;

  constructor(path: string, keyOf: (value: Value) => string) {
    this.#path = path;
    this.#keyOf = keyOf;
    this.#file = openSync(path, 'a');
  }

  /** Reads all values and rewrites the file with one line each. */
  load(): Value[] {
    const latest = new Map<string, Value>();
    for (const line of readFileSync(this.#path, 'utf8').split('\n')) {
      const value = parse<Value>(line);
      if (value !== undefined) latest.set(this.#keyOf(value), value);
    }
    const values = [...latest.values()];
    this.#rewrite(values);
    return values;
  }

  /** Durable when it returns. */
  append(value: Value): void {
    writeSync(this.#file, `${JSON.stringify(value)}\n`);
    fdatasyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  #rewrite(values: readonly Value[]): void {
    const next = openSync(`${this.#path}.next`, 'w');
    writeSync(next, values.map((value) => `${JSON.stringify(value)}\n`).join(''));
    fdatasyncSync(next);
    closeSync(next);
    closeSync(this.#file);
    renameSync(`${this.#path}.next`, this.#path);
    this.#file = openSync(this.#path, 'a');
  }
}

function parse<Value>(line: string): Value | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as Value);
  } catch {
    return undefined; // torn by a crash: its execution is still RUNNING on an earlier line, and restarts
  }
}
