import { Worker } from 'node:worker_threads';
import type {
  CarrierData,
  FetchOutcome,
  FetchTask,
  FromCarrier,
  ToCarrier,
} from './carrier-messages.ts';
import { Refusal } from './refusal.ts';

export interface CarrierWatch {
  /** Resolves when `bytes` may pass. @throws the signal's reason */
  readonly pass: (bytes: number) => Promise<void>;
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly watch: CarrierWatch;
  readonly ended: (outcome: FetchOutcome) => void;
  readonly failed: (error: Error) => void;
}

/** This thread's end of the carrier (carrier-thread.ts), which starts with the first copy that is fetched. */
export class Carrier {
  readonly #entry: URL;
  readonly #data: CarrierData;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** @param entry a main that carries when it is not the main thread (bin/node-agent.ts, or its bundle) */
  constructor(entry: URL, niceness: number) {
    this.#entry = entry;
    this.#data = { niceness };
  }

  /**
   * Answers when nothing of the fetch goes on any more, also after the signal.
   * @throws Refusal 'busy' when the carrier died
   */
  async fetch(task: FetchTask, watch: CarrierWatch): Promise<FetchOutcome> {
    this.#lastId += 1;
    const id = this.#lastId;
    const worker = this.#started();
    const abandon = () => send(worker, { kind: 'abandon', id });
    const { promise, resolve, reject } = Promise.withResolvers<FetchOutcome>();
    this.#waiting.set(id, { watch, ended: resolve, failed: reject });
    send(worker, { kind: 'fetch', id, task });
    watch.signal.addEventListener('abort', abandon, { once: true });
    if (watch.signal.aborted) abandon();
    try {
      return await promise;
    } finally {
      watch.signal.removeEventListener('abort', abandon);
      this.#waiting.delete(id);
    }
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  #started(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#entry, { workerData: this.#data });
    worker.on('message', (message: FromCarrier) => void this.#heard(worker, message));
    worker.on('error', (error) => this.#died(worker, error as Error));
    worker.on('exit', () => this.#died(worker, new Error('the carrier ended')));
    // It ends with the agent, and keeps none alive.
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  async #heard(worker: Worker, message: FromCarrier): Promise<void> {
    const waiting = this.#waiting.get(message.id);
    if (message.kind === 'ended') return waiting?.ended(message.outcome);
    // Whoever abandons it tells the carrier so: then there is nothing to let go.
    await waiting?.watch.pass(message.bytes).then(
      () => send(worker, { kind: 'go', id: message.id }),
      () => {},
    );
  }

  #died(worker: Worker, error: Error): void {
    if (this.#worker === worker) this.#worker = undefined;
    for (const { failed } of this.#waiting.values())
      failed(new Refusal('busy', error.message, { cause: error }));
  }
}

const send = (worker: Worker, message: ToCarrier): void => worker.postMessage(message);
