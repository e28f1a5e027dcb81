export interface Progress {
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
}

/** Counts what is done and tells it; an attempt that fails takes its bytes back. */
export class Tally {
  readonly #tell: (progress: Progress) => void;
  #now: Progress;

  constructor(
    filesTotal: number,
    bytesTotal: number,
    tell: (progress: Progress) => void = () => {},
  ) {
    this.#tell = tell;
    this.#now = { files: 0, filesTotal, bytes: 0, bytesTotal };
  }

  add(files: number, bytes: number): void {
    this.#now = { ...this.#now, files: this.#now.files + files, bytes: this.#now.bytes + bytes };
    this.#tell(this.#now);
  }
}
