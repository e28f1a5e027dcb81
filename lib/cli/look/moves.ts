import { setTimeout as delay } from 'node:timers/promises';
import { type FlightView, listFlights } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatDuration, table } from '../text.ts';
import { UserError } from '../user-error.ts';

/** Moves with one source and one destination that are under way together. */
export interface BatchView {
  readonly batch: string;
  readonly job: string;
  readonly urgency: string;
  readonly from: string;
  readonly to: string;
  readonly moves: number;
  readonly movesDone: number;
  readonly bytes: number;
  readonly bytesDone: number;
  /** Bytes a second reserved at both ends. */
  readonly rate: number;
  /** How often it was sent: more than once means that its worker went silent. */
  readonly sent: number;
  readonly silentMs: number;
}

const watchEveryMs = 1_000;
/** Erases the screen and goes to its top. */
const clear = '\x1b[2J\x1b[H';

export const showMoves = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => answerOf(await readMoves(ports)));

const answerOf = (moves: readonly BatchView[]): Answer => ({
  document: { batches: moves },
  text: () => moveTable(moves),
});

/** Shows moves until nobody wants to see them any more. */
export function watchMoves(context: Context): Promise<Answer> {
  const { globals, io } = context;
  if (globals.json)
    throw new UserError('--watch goes on for ever and --json prints one document: choose one.');
  return withStore(context, async (ports) => {
    while (!io.interrupted.aborted) {
      const text = moveTable(await readMoves(ports));
      io.out(io.isTerminal ? `${clear}${text}\n` : `${text}\n`);
      await delay(watchEveryMs, undefined, { signal: io.interrupted }).catch(() => {});
    }
    return { document: {}, text: () => '' };
  });
}

const readMoves = async (ports: Ports): Promise<readonly BatchView[]> =>
  viewMoves(await listFlights(ports.tables), ports.now());

export const viewMoves = (flights: readonly FlightView[], now: number): readonly BatchView[] =>
  flights.map(({ batch, token, aliveAt, lastOp: _, ...flight }) => ({
    batch,
    ...flight,
    sent: token,
    silentMs: Math.max(0, now - aliveAt),
  }));

function moveTable(moves: readonly BatchView[]): string {
  if (moves.length === 0) return 'Nothing moves.';
  const heads = ['FROM', 'TO', 'URGENCY', 'MOVES', 'BYTES', 'OF', 'RATE', 'SENT', 'SILENT', 'JOB'];
  const rows = moves.map((move) => [
    move.from,
    move.to,
    move.urgency,
    `${move.movesDone}/${move.moves}`,
    formatBytes(move.bytesDone),
    formatBytes(move.bytes),
    `${formatBytes(move.rate)}/s`,
    move.sent,
    formatDuration(move.silentMs),
    move.job,
  ]);
  return table(heads, rows);
}
