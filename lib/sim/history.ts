/** What happened, as a hash that two runs of a seed must share, and in words where someone looks. */
export class History {
  readonly #lines: string[] | undefined;
  #hash = 0x811c9dc5;
  length = 0;

  constructor(keeping: 'words' | 'hash') {
    this.#lines = keeping === 'words' ? [] : undefined;
  }

  note(nowMs: number, actor: string, what: string, detail: string | (() => string) = ''): void {
    this.length++;
    this.#mix(actor);
    this.#mix(what);
    if (typeof detail === 'string') this.#mix(detail);
    this.#hash = Math.imul(this.#hash ^ Math.floor(nowMs * 1_000), 0x01000193) >>> 0;
    if (this.#lines === undefined) return;
    const words = typeof detail === 'string' ? detail : detail();
    this.#lines.push(`${nowMs.toFixed(3).padStart(12)} ${actor} ${what} ${words}`);
  }

  get hash(): string {
    return `${this.length}-${this.#hash.toString(16).padStart(8, '0')}`;
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }

  #mix(text: string): void {
    let hash = this.#hash;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    this.#hash = hash >>> 0;
  }
}
