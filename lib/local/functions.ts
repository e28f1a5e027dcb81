import { setTimeout as delay } from 'node:timers/promises';
import type { Children } from './children.ts';
import type { Home } from './home.ts';
import type { Metrics } from './metrics.ts';
import { metricsIn } from './metrics-in-logs.ts';
import { AwsError } from './refusal.ts';
import type { Answer } from './worker-messages.ts';
import { type FunctionSettings, WorkerPool } from './worker-pool.ts';

export interface FunctionsSurroundings {
  readonly home: Home;
  readonly children: Children;
  readonly metrics: Metrics;
  readonly log: (line: string) => void;
  readonly send: (queueUrl: string, body: string) => Promise<unknown>;
}

/** Lambda waits a minute and then two before it tries an asynchronous event again; here it is seconds. */
const asyncRetryMs = [1_000, 2_000];

/** Every function of the template, by name, ARN (with or without qualifier) or logical id. */
export class Functions {
  readonly #pools = new Map<string, WorkerPool>();
  readonly #surroundings: FunctionsSurroundings;
  readonly #closed = new AbortController();

  constructor(surroundings: FunctionsSurroundings) {
    this.#surroundings = surroundings;
  }

  add(settings: FunctionSettings): void {
    const { home, children, metrics } = this.#surroundings;
    const pool = new WorkerPool(settings, {
      children,
      logFile: home.at('logs', `${settings.logicalId}.log`),
      onLine: (line) => metricsIn(line).forEach((sample) => void metrics.put(sample)),
    });
    this.#pools.set(settings.name, pool);
  }

  has(reference: string): boolean {
    return this.#find(reference) !== undefined;
  }

  all(): readonly WorkerPool[] {
    return [...this.#pools.values()];
  }

  /** Runs a function and waits for its answer. Throws ResourceNotFoundException, TooManyRequestsException. */
  async invoke(reference: string, event: unknown): Promise<Answer> {
    const pool = this.#find(reference);
    if (!pool)
      throw new AwsError('ResourceNotFoundException', `Function not found: ${reference}`, 404);
    const began = Date.now();
    const answer = await pool.invoke(event);
    this.#measure(pool.settings, Date.now() - began, answer);
    return answer;
  }

  /** Runs a function in the background, with Lambda's two retries. */
  invokeLater(reference: string, event: unknown): void {
    const pool = this.#find(reference);
    if (!pool)
      throw new AwsError('ResourceNotFoundException', `Function not found: ${reference}`, 404);
    void this.#untilItSucceeds(pool.settings, event);
  }

  /** kill -9 of a busy worker of each function whose logical id or name contains `text`; answers how many. */
  killBusy(text: string): number {
    return this.all().filter(
      (pool) =>
        (pool.settings.logicalId.includes(text) || pool.settings.name.includes(text)) &&
        pool.killBusy(),
    ).length;
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all(this.all().map((pool) => pool.close()));
  }

  async #untilItSucceeds(settings: FunctionSettings, event: unknown): Promise<void> {
    const { name, retriesMax, deadLetterUrl } = settings;
    const { signal } = this.#closed;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const failure = await this.invoke(name, event).then(
        (answer) => (answer.ok ? undefined : answer.error.errorMessage),
        (error: Error) => error.message,
      );
      if (failure === undefined || signal.aborted) return;
      this.#surroundings.log(`${name} failed on an asynchronous event: ${failure}`);
      if (attempt >= retriesMax) {
        if (deadLetterUrl !== undefined) await this.#bury(deadLetterUrl, event);
        return;
      }
      await delay(asyncRetryMs[attempt] ?? 2_000, undefined, { ref: false });
    }
  }

  async #bury(queueUrl: string, event: unknown): Promise<void> {
    const { send, log } = this.#surroundings;
    await send(queueUrl, JSON.stringify(event)).catch((error: Error) =>
      log(`no dead letter could be sent to ${queueUrl}: ${error.message}`),
    );
  }

  #measure({ name }: FunctionSettings, duration: number, answer: Answer): void {
    const values = { Invocations: 1, Errors: answer.ok ? 0 : 1, Duration: duration };
    for (const [metric, value] of Object.entries(values))
      this.#surroundings.metrics.put({
        namespace: 'AWS/Lambda',
        name: metric,
        dimensions: { FunctionName: name },
        time: Date.now(),
        value,
        weight: 1,
      });
  }

  #find(reference: string): WorkerPool | undefined {
    const name = reference.startsWith('arn:') ? (reference.split(':')[6] ?? '') : reference;
    return this.#pools.get(name) ?? this.#pools.get(name.split(':')[0] ?? '');
  }
}
