export interface CallCount {
  readonly service: string;
  readonly action: string;
  readonly principal: string;
  readonly count: number;
}

export interface CallCounts {
  readonly total: number;
  readonly calls: readonly CallCount[];
}

/** Counts AWS calls by service, action and principal since the start of this process. */
export class CallCounter {
  readonly #counts = new Map<string, { -readonly [K in keyof CallCount]: CallCount[K] }>();

  add(service: string, action: string, principal: string): void {
    const key = `${service} ${action} ${principal}`;
    const known = this.#counts.get(key);
    if (known) known.count += 1;
    else this.#counts.set(key, { service, action, principal, count: 1 });
  }

  read(): CallCounts {
    const calls = [...this.#counts.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, count]) => ({ ...count }));
    return { total: calls.reduce((sum, { count }) => sum + count, 0), calls };
  }
}
