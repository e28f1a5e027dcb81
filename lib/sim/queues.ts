import type { BatchMessage, SweepMessage } from '../contract/messages.ts';
import type { Queues } from '../control/ports.ts';
import type { NodeId } from '../core/ids.ts';
import type { Urgency } from '../core/schedule.ts';
import type { Ending, Ground, Process } from './process.ts';

export interface QueueSettings {
  /** A message that was received and not deleted comes back after so long. */
  readonly visibilityMs: number;
  /** Receives after which it goes to the dead-letter queue. */
  readonly receivesMax: number;
  /** Runs a worker on a message and tells how it ended. */
  readonly work: (message: unknown, ended: (ending: Ending<unknown>) => void) => void;
}

const quickMs = [1, 50] as const;
const lateMs = [500, 120_000] as const;
/** SQS delays a message by 15 minutes at most. */
const delayMax = 900_000;

/** One standard queue and the function that it feeds: no order, doubles, messages that come back. */
export class SimQueue {
  readonly #ground: Ground;
  readonly #settings: QueueSettings;
  /** Messages that are neither deleted nor dead. */
  waiting = 0;
  dead = 0;

  constructor(ground: Ground, settings: QueueSettings) {
    this.#ground = ground;
    this.#settings = settings;
  }

  send(message: unknown, delayMs: number): void {
    const { random, faults } = this.#ground;
    if (random.chance(faults.messageLost)) {
      this.dead++;
      return;
    }
    const copies = random.chance(faults.messageDoubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const [from, to] = random.chance(faults.messageLate) ? lateMs : quickMs;
      this.waiting++;
      this.#deliver(message, Math.min(delayMs, delayMax) + random.logBetween(from, to), 1);
    }
  }

  #deliver(message: unknown, afterMs: number, receives: number): void {
    const { scheduler, random, faults } = this.#ground;
    scheduler.after(afterMs, () => {
      let deleted = false;
      const share = random.chance(faults.visibilityEarly) ? random.next() : 1;
      this.#settings.work(message, (ending) => {
        if (ending.kind !== 'returned' || deleted) return;
        deleted = true;
        this.waiting--;
      });
      const { visibilityMs, receivesMax } = this.#settings;
      scheduler.after(visibilityMs * share, () => {
        if (deleted) return;
        if (receives < receivesMax) return this.#deliver(message, 0, receives + 1);
        deleted = true;
        this.dead++;
        this.waiting--;
      });
    });
  }
}

export class SimQueues implements Queues {
  readonly #process: Process;
  readonly #batches: SimQueue;
  readonly #sweeps: SimQueue;

  constructor(process: Process, batches: SimQueue, sweeps: SimQueue) {
    this.#process = process;
    this.#batches = batches;
    this.#sweeps = sweeps;
  }

  send(urgency: Urgency, messages: readonly BatchMessage[]): Promise<void> {
    return this.#process.call(`send ${urgency} ${messages.length}`, () => {
      for (const message of messages) this.#batches.send(message, 0);
    });
  }

  sweep(nodes: readonly NodeId[], delayMs: number): Promise<void> {
    const message: SweepMessage = { nodes: [...nodes] };
    return this.#process.call(`sweep hint ${nodes.join()}`, () =>
      this.#sweeps.send(message, delayMs),
    );
  }
}
