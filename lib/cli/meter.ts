import { formatBytes } from '../core/units.ts';
import type { Io } from './context.ts';
import { bar, formatDuration } from './text.ts';

export interface Reading {
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** What it does or waits for. */
  readonly note: string;
}

/** A bar is redrawn at most so often; without a terminal a line is written so often. */
const drawEveryMs = 100;
const lineEveryMs = 5_000;
/** The rate is that of the last seconds: what was before says nothing about what is left. */
const rateWindowMs = 5_000;
const barWidth = 24;

/** Progress of one operation on standard error. */
export class Meter {
  readonly #io: Io;
  readonly #label: string;
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];
  #drawnAt = 0;
  #last: Reading | undefined;

  constructor(io: Io, label: string) {
    this.#io = io;
    this.#label = label;
    this.#drawnAt = io.isTerminal ? 0 : io.now();
  }

  show(reading: Reading): void {
    const now = this.#io.now();
    this.#last = reading;
    this.#samples.push({ at: now, bytes: reading.doneBytes });
    while (this.#samples.length > 2 && now - this.#samples[1]!.at > rateWindowMs)
      this.#samples.shift();
    if (now - this.#drawnAt < (this.#io.isTerminal ? drawEveryMs : lineEveryMs)) return;
    this.#draw(now, reading);
  }

  /** Leaves the last state on a line of its own, if anything was shown. */
  end(): void {
    if (this.#last === undefined || !this.#io.isTerminal) return;
    this.#draw(this.#io.now(), this.#last);
    this.#io.err('\n');
  }

  #draw(now: number, reading: Reading): void {
    this.#drawnAt = now;
    const line = `${this.#label}  ${describe(reading, this.#rate())}`;
    this.#io.err(
      this.#io.isTerminal ? `\r\x1b[2K${line.slice(0, this.#io.columns - 1)}` : `${line}\n`,
    );
  }

  /** Bytes a second. */
  #rate(): number {
    const first = this.#samples[0]!;
    const last = this.#samples.at(-1)!;
    const ms = last.at - first.at;
    return ms > 0 ? ((last.bytes - first.bytes) * 1_000) / ms : 0;
  }
}

/** `[####....] 1.0 GiB of 2.0 GiB  10 MiB/s  1:42 left  note`. */
export function describe({ doneBytes, totalBytes, note }: Reading, rate: number): string {
  const share = totalBytes > 0 ? doneBytes / totalBytes : 1;
  const left = Math.max(0, totalBytes - doneBytes);
  const time = left > 0 && rate > 0 ? [`${formatDuration((left / rate) * 1_000)} left`] : [];
  return [
    `${bar(share, barWidth)} ${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    `${formatBytes(Math.max(0, Math.round(rate)))}/s`,
    ...time,
    ...(note === '' ? [] : [note]),
  ].join('  ');
}
