import { setTimeout as delay } from 'node:timers/promises';
import { type FlightView, listFlights, readJob } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { jobId } from '../../core/ids.ts';
import { isInPlace } from '../../core/plan.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted, formatDuration, table } from '../text.ts';
import { UserError } from '../user-error.ts';
import { type MoveView, readMovesInFlight, readMovesOf } from './move-view.ts';

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

/** Moves that the table shows; the document has all. */
const movesShownMax = 50;

/** Each move of a job, or of all that is in flight. */
export const showMoves = (context: Context, job: string | undefined): Promise<Answer> =>
  withStore(context, async (ports) => {
    const moves = await (job === undefined
      ? readMovesInFlight(ports.tables, ports.now())
      : movesOfJob(ports, job));
    const batches = await readBatches(ports);
    return { document: { batches, moves }, text: () => moveTable(moves) };
  });

async function movesOfJob(ports: Ports, name: string): Promise<readonly MoveView[]> {
  const job = await readJob(ports.tables, jobId(name));
  if (job === undefined) throw new UserError(`There is no job ${name}.`);
  return readMovesOf(ports.tables, job, ports.now());
}

function moveTable(moves: readonly MoveView[]): string {
  if (moves.length === 0) return 'Nothing moves.';
  const heads = [
    'MOVE',
    'CHUNK',
    'FROM',
    'TO',
    'STATUS',
    'PRIORITY',
    'DONE',
    'OF',
    'RATE',
    'SINCE',
    'ERROR',
  ];
  const rows = moves
    .slice(0, movesShownMax)
    .map((move) => [
      move.id,
      `${move.chunk}.${move.slot}`,
      move.from,
      goalOf(move),
      move.status,
      `${move.urgency} ${move.priority}`,
      formatBytes(move.bytesDone),
      formatBytes(move.bytes),
      `${formatBytes(move.bytesPerSecond)}/s`,
      move.startedAt ?? '-',
      move.error ?? '-',
    ]);
  const more = moves.length - rows.length;
  return table(heads, rows) + (more > 0 ? `\n${counted(more, 'more move')}: see --json.` : '');
}

const goalOf = (move: { readonly from: string; readonly to: string }): string =>
  isInPlace(move) ? 'in place' : move.to;

/** Shows what is in flight, by batch, until nobody wants to see them any more. */
export function watchMoves(context: Context): Promise<Answer> {
  const { globals, io } = context;
  if (globals.json)
    throw new UserError('--watch goes on for ever and --json prints one document: choose one.');
  return withStore(context, async (ports) => {
    while (!io.interrupted.aborted) {
      const text = batchTable(await readBatches(ports));
      io.out(io.isTerminal ? `${clear}${text}\n` : `${text}\n`);
      await delay(watchEveryMs, undefined, { signal: io.interrupted }).catch(() => {});
    }
    return { document: {}, text: () => '' };
  });
}

const readBatches = async (ports: Ports): Promise<readonly BatchView[]> =>
  viewBatches(await listFlights(ports.tables), ports.now());

export const viewBatches = (flights: readonly FlightView[], now: number): readonly BatchView[] =>
  flights.map(({ batch, token, aliveAt, lastOp: _, ...flight }) => ({
    batch,
    ...flight,
    sent: token,
    silentMs: Math.max(0, now - aliveAt),
  }));

function batchTable(moves: readonly BatchView[]): string {
  if (moves.length === 0) return 'Nothing moves.';
  const heads = ['FROM', 'TO', 'URGENCY', 'MOVES', 'BYTES', 'OF', 'RATE', 'SENT', 'SILENT', 'JOB'];
  const rows = moves.map((move) => [
    move.from,
    goalOf(move),
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
