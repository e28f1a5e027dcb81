/**
 * One sync for all who wait: a caller is answered by a sync that began after it asked, and all who ask
 * while one runs share the next.
 */
export class SharedSync {
  readonly #sync: () => Promise<void>;
  #next: PromiseWithResolvers<void> | undefined;
  #state: 'idle' | 'syncing' = 'idle';

  constructor(sync: () => Promise<void>) {
    this.#sync = sync;
  }

  /** @throws what the sync throws, to all who share it */
  wait(): Promise<void> {
    this.#next ??= Promise.withResolvers<void>();
    const { promise } = this.#next;
    if (this.#state === 'idle') void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#state = 'syncing';
    for (let sharing = this.#next; sharing !== undefined; sharing = this.#next) {
      this.#next = undefined;
      await this.#sync().then(sharing.resolve, sharing.reject);
    }
    this.#state = 'idle';
  }
}
