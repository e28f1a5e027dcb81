import { setPriority } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import type {
  CarrierData,
  FetchOutcome,
  FetchTask,
  FromCarrier,
  ToCarrier,
} from './carrier-messages.ts';
import { fetchCopy } from './fetch-copy.ts';
import { SyncFailed } from './journal.ts';
import { Refusal } from './refusal.ts';
import { SourceFailed } from './source.ts';

/** A fetch under way. */
interface Running {
  readonly abandoned: AbortController;
  /** Lets what waits pass, or not. */
  go: () => void;
  stop: (reason: unknown) => void;
}

/**
 * The other thread of an agent: it carries migration's bytes, so that their sockets, buffers and checksums
 * never stand before a client's request on the event loop, and the scheduler lets clients go first. On Linux
 * a thread has a priority of its own; where it has not, the whole process must not lose its.
 */
export function carry(port: MessagePort, { niceness }: CarrierData): void {
  if (process.platform === 'linux') setPriority(niceness);
  const running = new Map<number, Running>();
  port.on('message', (message: ToCarrier) => {
    if (message.kind === 'fetch') void fetch(port, running, message.id, message.task);
    else if (message.kind === 'go') running.get(message.id)?.go();
    else abandon(running.get(message.id));
  });
}

function abandon(one: Running | undefined): void {
  const reason = new Error('abandoned');
  one?.abandoned.abort(reason);
  one?.stop(reason);
}

async function fetch(
  port: MessagePort,
  running: Map<number, Running>,
  id: number,
  task: FetchTask,
): Promise<void> {
  const tell = (message: FromCarrier) => port.postMessage(message);
  const own: Running = { abandoned: new AbortController(), go: () => {}, stop: () => {} };
  const { signal } = own.abandoned;
  running.set(id, own);
  const pass = (bytes: number) =>
    new Promise<void>((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      own.go = resolve;
      own.stop = reject;
      tell({ kind: 'pass', id, bytes });
    });
  const outcome = await fetchCopy(task, { pass, signal }).then(
    (): FetchOutcome => ({ kind: 'durable' }),
    (error: unknown) => outcomeOf(error, signal),
  );
  running.delete(id);
  tell({ kind: 'ended', id, outcome });
}

function outcomeOf(error: unknown, signal: AbortSignal): FetchOutcome {
  if (signal.aborted) return { kind: 'abandoned' };
  const { message, code } = error as NodeJS.ErrnoException;
  if (error instanceof SourceFailed) return { kind: 'source', reason: error.reason, message };
  if (error instanceof Refusal) return { kind: 'refused', refusal: error.kind, message };
  return { kind: 'disk', step: error instanceof SyncFailed ? 'sync' : 'write', code, message };
}
