/** Where the bytes of a batch's slots come from: the act of core/copy-or-rebuild.ts. */
import { readsPerPullMax, sourcesPerPullMax } from '../contract/agent.ts';
import type { Policy } from '../contract/policy.ts';
import { copyOrRebuild, type Giver, type ShardSupply } from '../core/copy-or-rebuild.ts';
import { chunkId, type NodeId, nodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { isInPlace } from '../core/plan.ts';
import { backgroundFactor } from '../core/throttle.ts';
import { bytes, bytesPerSecond, millis } from '../core/units.ts';
import { holdersOf, slotSha256, slotSize } from './chunks.ts';
import type { Due } from './commit-moves.ts';
import { addressOf, type NodeView, type NodeWithBeat } from './fleet.ts';
import type { NodeAddress, PullChunk, Rebuild } from './ports.ts';

/** A node, with its heartbeat where it was read. */
type Beating = NodeView & Partial<Pick<NodeWithBeat, 'beat'>>;

export interface Batch {
  readonly due: readonly Due[];
  readonly nodes: readonly Beating[];
  /** Who gives the slots up, by id; in a repair it is lost. */
  readonly from: string;
  readonly to: NodeView;
  /** Bytes a second of the whole pull. */
  readonly rate: number;
  /** Until the job's deadline. */
  readonly leftMs: number;
}

export const isCoded = ({ record }: Due): boolean => record.redundancy.kind === 'erasure';

/** Every live holder of any of the chunks. */
export function sourcesOf(nodes: readonly NodeView[], due: readonly Due[]): readonly NodeAddress[] {
  const holders = new Set(due.flatMap(({ record }) => record.holders));
  return nodes.filter((node) => holders.has(node.id) && servesReads(node.state)).map(addressOf);
}

/** The moves of a batch in as few pulls as an agent takes: mostly one. */
export function inPulls(due: readonly Due[]): readonly (readonly Due[])[] {
  const pulls: Due[][] = [];
  let sources = new Set<string>();
  let reads = 0;
  for (const each of due) {
    const { holders } = each.record;
    const isFull =
      new Set([...sources, ...holders]).size > sourcesPerPullMax ||
      reads + holders.length > readsPerPullMax;
    if (pulls.length === 0 || isFull) {
      pulls.push([]);
      sources = new Set();
      reads = 0;
    }
    pulls.at(-1)!.push(each);
    for (const holder of holders) sources.add(holder);
    reads += holders.length;
  }
  return pulls;
}

/** What to ask of the destination, chunk by chunk: each choice counts the bytes of those before it. */
export function pullsOf(policy: Policy, batch: Batch): readonly PullChunk[] {
  const loads = new Loads(policy, batch);
  return batch.due.map((due) =>
    isCoded(due) ? shardOf(policy, batch, due, loads) : copyOf(batch, due),
  );
}

const askedOf = ({ move, record }: Due) => ({
  chunk: chunkId(move.chunk),
  slot: move.slot,
  size: slotSize(record),
  sha256: slotSha256(record, move.slot),
  epoch: record.version + 1,
});

/** From the node that gives the slot up if it still serves, else from any other holder. */
function copyOf({ from, to }: Batch, due: Due): PullChunk {
  const holders = holdersOf(due.record).filter((holder) => holder !== to.id);
  const first = holders.filter((holder) => holder === from);
  return {
    ...askedOf(due),
    holders: [...first, ...holders.filter((holder) => holder !== from)],
  };
}

function shardOf(policy: Policy, batch: Batch, due: Due, loads: Loads): PullChunk {
  const { move, record } = due;
  const { redundancy } = record;
  const data = redundancy.kind === 'erasure' ? redundancy.data : 1;
  const shardBytes = slotSize(record);
  const others = record.holders.filter((_, slot) => slot !== move.slot);
  const holder = isInPlace({ from: batch.from, to: batch.to.id })
    ? undefined
    : loads.giver(batch.from);
  const supply = copyOrRebuild({
    bytes: bytes(shardBytes),
    data,
    to: loads.taker(),
    holder,
    others: others.flatMap((node) => loads.giver(node) ?? []),
    leftMs: millis(batch.leftMs),
    crossZonePrice: policy.crossZonePricePerGB,
  });
  const from = suppliers(supply, data);
  loads.ask(from, shardBytes);
  const rebuild = rebuildOf(due, supply);
  return {
    ...askedOf(due),
    holders: holder === undefined ? [] : [nodeId(batch.from)],
    ...(rebuild && { rebuild }),
  };
}

function suppliers(supply: ShardSupply, data: number): readonly NodeId[] {
  if (supply.kind === 'copy') return [supply.from];
  return supply.kind === 'rebuild' ? supply.from.slice(0, data) : [];
}

/** Even a copy that is preferred may fail: then the destination rebuilds, without asking again. */
function rebuildOf({ record }: Due, supply: ShardSupply): Rebuild | undefined {
  const { redundancy, holders } = record;
  if (redundancy.kind !== 'erasure' || supply.kind === 'too-few-shards') return undefined;
  const nodes = supply.kind === 'copy' ? supply.spare : supply.from;
  if (nodes.length < redundancy.data) return undefined;
  const shards = nodes.map((node) => {
    const slot = holders.indexOf(node);
    return { slot, node, sha256: slotSha256(record, slot) };
  });
  const when = supply.kind === 'rebuild' ? 'first' : 'copy-failed';
  return { data: redundancy.data, parity: redundancy.parity, when, shards };
}

/** What each node leaves to migration, and what this batch asked of it so far. */
class Loads {
  readonly #batch: Batch;
  readonly #policy: Policy;
  readonly #serving: ReadonlyMap<string, Beating>;
  readonly #asked = new Map<string, number>();
  #taken = 0;

  constructor(policy: Policy, batch: Batch) {
    this.#policy = policy;
    this.#batch = batch;
    const serving = batch.nodes.filter(({ state }) => servesReads(state));
    this.#serving = new Map(serving.map((node) => [node.id, node]));
  }

  /** `undefined` for a node that does not serve. */
  giver(id: string): Giver | undefined {
    const node = this.#serving.get(id);
    if (node === undefined) return undefined;
    const rate = this.#policy.nodeRateBytes * shareOf(node);
    const aheadBytes = bytes(this.#asked.get(id) ?? 0);
    return { node: node.id, zone: node.zone, rate: bytesPerSecond(rate), aheadBytes };
  }

  taker(): Omit<Giver, 'node'> {
    const { to, rate } = this.#batch;
    return { zone: to.zone, rate: bytesPerSecond(rate), aheadBytes: bytes(this.#taken) };
  }

  ask(nodes: readonly NodeId[], shardBytes: number): void {
    for (const id of nodes) this.#asked.set(id, (this.#asked.get(id) ?? 0) + shardBytes);
    this.#taken += nodes.length * shardBytes;
  }
}

const unknown = { cpu: null, memory: null, ioWait: null };

/** As the node's own controller has it: the busier, the less. */
const shareOf = ({ beat }: Beating): number =>
  backgroundFactor(beat ?? unknown, beat === undefined ? 'never-told' : silenceOf(beat));

const silenceOf = ({ cpu, memory, ioWait }: NonNullable<Beating['beat']>): 0 | 'never-told' =>
  cpu === null || memory === null || ioWait === null ? 'never-told' : 0;
