/** `ballast plan`: a plan for a fleet in a file, offline. */
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { inWords } from '../client/refusal.ts';
import { planLines } from '../contract/plan-lines.ts';
import { InputError, isName } from '../contract/read-lines.ts';
import { readSnapshot, type Snapshot } from '../contract/snapshot.ts';
import { draftDrain } from '../core/drain.ts';
import { explainBlock } from '../core/explain-block.ts';
import type { FleetNode } from '../core/fleet.ts';
import { nodeId, zone } from '../core/ids.ts';
import { nodesMax } from '../core/limits.ts';
import type { HeatLevelling, PlanDraft } from '../core/plan.ts';
import { dollarsPerCrossZoneByte } from '../core/prices.ts';
import { draftRebalance } from '../core/rebalance.ts';
import { bytes, formatBytes } from '../core/units.ts';
import { counted } from './text.ts';

export interface PlanOptions {
  readonly snapshot: string;
  /** `N,…` */
  readonly drain?: string;
  /** `ZONE:BYTES[:COUNT],…` */
  readonly add?: string;
  readonly rebalance?: boolean;
  /** Level requests as well as bytes, by the chunks' heat. */
  readonly heat?: boolean;
}

export interface Streams {
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/**
 * 0 planned, 2 bad usage or input or a drain that cannot succeed by waiting, 3 blocked for now: the header
 * then lists the blocks.
 */
export type PlanExitCode = 0 | 2 | 3;

/** Bytes read at a time: a fleet of 800,000 copies is 27 MB. */
const pieceBytes = 2 ** 20;

/** Prints the plan as NDJSON; a problem is one sentence on stderr. */
export async function runPlan(options: PlanOptions, streams: Streams): Promise<PlanExitCode> {
  try {
    const added = checkedOptions(options);
    const snapshot = await snapshotOf(options.snapshot);
    const nodes = nodesToAdd(snapshot, added);
    const plan = planFor(options, snapshot);
    for (const piece of planLines({ plan, added: nodes })) {
      if (!streams.stdout.write(piece)) await once(streams.stdout, 'drain');
    }
    if (plan.blocks.length === 0) streams.stderr.write(`${summaryOf(plan)}\n`);
    return exitCodeOf(plan, streams.stderr);
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    streams.stderr.write(`ballast: ${error.message}.\n`);
    return 2;
  }
}

/** What the one who typed the command can put right. */
export class BadUsage extends Error {
  override readonly name = 'BadUsage';
}

/** Opens and reads a file with `read`; what is wrong with it becomes one sentence with its name. */
export async function readNdjson<T>(
  file: string,
  read: (input: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  try {
    return await read(createReadStream(file, { highWaterMark: pieceBytes }));
  } catch (error) {
    if (error instanceof InputError) throw new BadUsage(`${file}: ${error.message}`);
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new BadUsage(`cannot read ${file}: it ${inWords(error)}`);
  }
}

export const snapshotOf = (file: string): Promise<Snapshot> => readNdjson(file, readSnapshot);

interface Addition {
  readonly zone: string;
  readonly capacity: number;
  readonly count: number;
}

function checkedOptions({ drain, add, rebalance, heat }: PlanOptions): readonly Addition[] {
  const asked = [drain !== undefined, add !== undefined, rebalance === true].filter(Boolean);
  if (asked.length !== 1) {
    throw new BadUsage(
      `${asked.length} of --drain, --add and --rebalance were given, expected exactly one`,
    );
  }
  if (drain !== undefined && heat === true) {
    throw new BadUsage('--heat is given with --drain, expected with --rebalance or --add');
  }
  if (drain !== undefined && !listOf(drain).every(isName)) {
    throw new BadUsage(
      `--drain is ${JSON.stringify(drain)}, expected node ids with commas between`,
    );
  }
  return add === undefined ? [] : listOf(add).map(parseAddition);
}

const listOf = (text: string): string[] => text.split(',').map((each) => each.trim());

function parseAddition(text: string): Addition {
  const found = /^([^:]+):(\d+)(?::(\d+))?$/.exec(text);
  const [, zoneName = '', capacity = '', count = '1'] = found ?? [];
  const isGood = Number(capacity) >= 1 && Number.isSafeInteger(Number(capacity));
  if (!isGood || Number(count) < 1 || Number(count) > nodesMax) {
    throw new BadUsage(
      `--add has ${JSON.stringify(text)}, expected ZONE:BYTES or ZONE:BYTES:COUNT with whole numbers`,
    );
  }
  return { zone: zoneName, capacity: Number(capacity), count: Number(count) };
}

/** Puts empty active nodes into the fleet, under names that it does not have yet. */
function nodesToAdd({ zones, fleet }: Snapshot, additions: readonly Addition[]): FleetNode[] {
  return additions.flatMap((addition) => {
    if (!zones.includes(addition.zone)) {
      throw new BadUsage(`--add names zone ${addition.zone}, expected one of ${zones.join(', ')}`);
    }
    return Array.from({ length: addition.count }, () => {
      const node: FleetNode = {
        id: freeId(fleet, addition.zone),
        zone: zone(addition.zone),
        class: 'mixed',
        capacity: bytes(addition.capacity),
        state: 'active',
      };
      fleet.addNode(node);
      return node;
    });
  });
}

function freeId(fleet: Snapshot['fleet'], zoneName: string) {
  for (let number = 1; ; number++) {
    const id = nodeId(`new-${zoneName}-${String(number).padStart(3, '0')}`);
    if (!fleet.hasNode(id)) return id;
  }
}

function planFor({ drain, add, heat }: PlanOptions, { fleet }: Snapshot): PlanDraft {
  const map = fleet.build();
  if (drain === undefined) {
    const job = add === undefined ? 'rebalance' : 'scale-out';
    return draftRebalance(map, { job, heatAware: heat === true });
  }
  const leaving = listOf(drain).map(nodeId);
  const unknown = leaving.filter((id) => !map.nodeIndex.has(id));
  if (unknown.length > 0) {
    throw new BadUsage(`--drain names ${unknown.join(', ')}, which the snapshot does not have`);
  }
  return draftDrain(map, leaving);
}

/** `12 moves, 3.00 GiB (1.000 × the minimum), 1.00 GiB of it between zones, $0.02`. */
function summaryOf({ bytesCrossZone, heat, ...plan }: PlanDraft): string {
  const ratio = (plan.bytesTotal - (heat?.bytesForHeat ?? 0)) / plan.bytesMinimum;
  const dollars = (bytesCrossZone * dollarsPerCrossZoneByte).toFixed(2);
  return [
    counted(plan.movesTotal, 'move'),
    `${formatBytes(plan.bytesTotal)}${plan.bytesMinimum > 0 ? ` (${ratio.toFixed(3)} × the minimum)` : ''}`,
    `${formatBytes(bytesCrossZone)} of it between zones, $${dollars}`,
    ...(heat === undefined ? [] : [heatOf(heat)]),
  ].join(', ');
}

const heatOf = ({ bytesForHeat, hottestBefore, hottestAfter }: HeatLevelling): string =>
  `${formatBytes(bytesForHeat)} more for heat: the hottest node from ${hottestBefore.toFixed(2)} to ` +
  `${hottestAfter.toFixed(2)} × its share`;

function exitCodeOf({ blocks }: PlanDraft, stderr: Writable): PlanExitCode {
  const [first, ...rest] = blocks;
  if (first === undefined) return 0;
  const more = rest.length > 0 ? ` (and ${rest.length} more)` : '';
  stderr.write(`ballast: blocked: ${explainBlock(first)}${more}.\n`);
  return blocks.every(({ kind }) => kind === 'too-few-holders') ? 3 : 2;
}
