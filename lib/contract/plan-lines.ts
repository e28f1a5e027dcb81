/** A plan as NDJSON, format version 1: a header with its totals and blocks, then one line a move. */
import type { FleetNode, NodeClass } from '../core/fleet.ts';
import { chunkId, nodeId, zone } from '../core/ids.ts';
import type { Block, JobKind, Move, Plan, PlanDraft } from '../core/plan.ts';
import { dollarsPerCrossZoneByte } from '../core/prices.ts';
import { bytes } from '../core/units.ts';
import { InputError, isName, isWhole, parseObject, readLines, wrongField } from './read-lines.ts';

export const planVersion = 1;

/** A node that the plan assumes and the snapshot does not have yet. */
export type AddedNode = Pick<FleetNode, 'id' | 'zone' | 'class' | 'capacity'>;

export interface PlanDocument {
  readonly plan: Plan;
  readonly added: readonly AddedNode[];
}

/** A plan to be written, whose moves are made when they are. */
export interface PlanToWrite {
  readonly plan: PlanDraft;
  readonly added: readonly AddedNode[];
}

const jobKinds: readonly unknown[] = [
  'drain',
  'rebalance',
  'repair',
  'scale-out',
  'scale-in',
] satisfies JobKind[];

const linesPerPiece = 1_000;

/** The document in pieces of many lines each: few writes, and memory for one piece. */
export function* planLines({ plan, added }: PlanToWrite): Generator<string> {
  const { moves, movesTotal, bytesTotal, bytesMinimum, bytesCrossZone, blocks } = plan;
  const header = {
    plan: planVersion,
    job: plan.job,
    movesTotal,
    bytesTotal,
    bytesMinimum,
    bytesCrossZone,
    dollarsCrossZone: bytesCrossZone * dollarsPerCrossZoneByte,
    ...plan.heat,
    blocks,
    ...(added.length > 0 ? { added } : {}),
  };
  let lines = [JSON.stringify(header)];
  for (const move of moves()) {
    if (lines.push(JSON.stringify(move)) < linesPerPiece) continue;
    yield `${lines.join('\n')}\n`;
    lines = [];
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

/** Throws an InputError that names the first wrong line. */
export async function readPlan(input: AsyncIterable<Uint8Array | string>): Promise<PlanDocument> {
  let header: Record<string, unknown> | undefined;
  const moves: Move[] = [];
  let lastLine = 0;
  await readLines(input, (text, number) => {
    lastLine = number;
    const line = parseObject(text, number);
    if (header === undefined) header = checkHeader(line, number);
    else moves.push(parseMove(line, number));
  });
  if (header === undefined) throw new InputError(lastLine + 1, 'empty, expected a header');
  if (header.movesTotal !== moves.length) {
    wrongField(1, 'movesTotal', header.movesTotal, `${moves.length}, the moves that follow`);
  }
  return {
    plan: {
      job: header.job as JobKind,
      moves,
      bytesTotal: bytes(header.bytesTotal as number),
      bytesMinimum: bytes(header.bytesMinimum as number),
      blocks: header.blocks as Block[],
    },
    added: ((header.added ?? []) as unknown[]).map(parseAdded),
  };
}

function checkHeader(line: Record<string, unknown>, number: number): Record<string, unknown> {
  const { plan, job, bytesTotal, bytesMinimum, blocks, added } = line;
  if (plan !== planVersion) {
    wrongField(number, 'plan (the format version)', plan, String(planVersion));
  }
  if (!jobKinds.includes(job)) wrongField(number, 'job', job, `one of ${jobKinds.join(', ')}`);
  if (!isWhole(bytesTotal, 0)) wrongField(number, 'bytesTotal', bytesTotal, 'a number of bytes');
  if (!isWhole(bytesMinimum, 0)) {
    wrongField(number, 'bytesMinimum', bytesMinimum, 'a number of bytes');
  }
  if (!Array.isArray(blocks)) wrongField(number, 'blocks', blocks, 'a list');
  if (added !== undefined && !Array.isArray(added)) {
    wrongField(number, 'added', added, 'a list of nodes');
  }
  return line;
}

function parseMove(line: Record<string, unknown>, number: number): Move {
  const { chunk, slot, from, to, bytes: size } = line;
  if (!isName(chunk)) wrongField(number, 'chunk', chunk, 'the id of a chunk');
  if (!isWhole(slot, 0)) wrongField(number, 'slot', slot, 'a whole number');
  if (!isName(from)) wrongField(number, 'from', from, 'the id of a node');
  if (!isName(to)) wrongField(number, 'to', to, 'the id of a node');
  if (!isWhole(size, 0)) wrongField(number, 'bytes', size, 'a whole number of bytes');
  return { chunk: chunkId(chunk), slot, from: nodeId(from), to: nodeId(to), bytes: bytes(size) };
}

function parseAdded(value: unknown): AddedNode {
  const { id, zone: name, class: nodeClass, capacity } = (value ?? {}) as Record<string, unknown>;
  if (!isName(id) || !isName(name) || !isWhole(capacity, 1)) {
    wrongField(1, 'added', value, 'nodes with id, zone, class and capacity');
  }
  return {
    id: nodeId(id),
    zone: zone(name),
    class: nodeClass as NodeClass,
    capacity: bytes(capacity),
  };
}
