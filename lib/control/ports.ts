import type {
  ChunkHeat,
  DamagedCopy,
  Held,
  PullEvent,
  Receipt,
  Removal,
  Renewal,
  Stats,
} from '../contract/agent.ts';
import type { FleetEvent } from '../contract/events.ts';
import type { Key, TableName } from '../contract/keys.ts';
import type { BatchMessage } from '../contract/messages.ts';
import type { Policy } from '../contract/policy.ts';
import type { ChunkId, JobId, NodeId, Zone } from '../core/ids.ts';
import type { Urgency } from '../core/schedule.ts';
import type { EpochMillis } from '../core/units.ts';

/**
 * What the loop needs of the world, in the world's own semantics: the simulator's and AWS's adapters pass
 * the same contract tests. The conditions that keep data safe are built in lib/control, above this line.
 */

export type Scalar = string | number | boolean | null;
export type Value = Scalar | readonly Value[] | { readonly [field: string]: Value | undefined };
export type Fields = Readonly<Record<string, Value>>;
/** An item as it was read: its fields, and its key's `pk` and `sk`. */
export type Item = Fields & { readonly pk: string; readonly sk: string };

/**
 * The condition of a write: `absent`, or fields of the item that must hold, each equal to a scalar or to
 * one of several (`{ oneOf }`). An absent item fulfils no fields.
 */
export type When =
  | 'absent'
  | Readonly<Record<string, Scalar | { readonly oneOf: readonly Scalar[] }>>;

export type Op =
  | { readonly op: 'put'; readonly key: Key; readonly fields: Fields; readonly when?: When }
  | {
      readonly op: 'update';
      readonly key: Key;
      readonly set?: Fields;
      /** Adds to numbers. */
      readonly add?: Readonly<Record<string, number>>;
      readonly when?: When;
    }
  | { readonly op: 'delete'; readonly key: Key; readonly when?: When }
  | { readonly op: 'check'; readonly key: Key; readonly when: When };

export type WriteResult =
  | { readonly kind: 'committed' }
  /** Nothing was written. One refusal for each op whose condition failed, with the item as it stands. */
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] };

export interface Refusal {
  /** Index of the op in the call. */
  readonly op: number;
  readonly current: Item | undefined;
}

/** The write may or may not have happened, or may yet: read again; never delete or acknowledge on it. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}
/** Nothing happened, for a reason that passes: throttled, conflicting, unreachable. Try again later. */
export class TryLater extends Error {
  override readonly name = 'TryLater';
}

export interface Page {
  readonly items: readonly Item[];
  /** Where to go on; absent on the last page. A page may be empty and yet not the last. */
  readonly next?: string;
}

/** Ops in one atomic write (DynamoDB: 100 items a transaction). */
export const opsMax = 100;

/** DynamoDB. Reads are strongly consistent. */
export interface Tables {
  /** Items in the order of `keys`; any number of keys (read 100 a call). */
  get(keys: readonly Key[]): Promise<readonly (Item | undefined)[]>;
  /** One page of a partition in the order of `sk`. */
  query(
    table: TableName,
    pk: string,
    from?: { readonly prefix?: string; readonly next?: string },
  ): Promise<Page>;
  /**
   * All or nothing, at most {@link opsMax} ops, at most one an item. `token` (36 characters at most) makes
   * the same call within ten minutes the same write.
   * @throws OutcomeUnknown, TryLater
   */
  write(ops: readonly Op[], token?: string): Promise<WriteResult>;
  /** Unconditional puts and deletes, each on its own, any number (25 a call). @throws TryLater */
  writeEach(
    ops: readonly (Op & { readonly op: 'put' | 'delete'; readonly when?: never })[],
  ): Promise<void>;
}

/** A node that can be spoken to. */
export interface NodeAddress {
  readonly node: NodeId;
  /** `host:port`. */
  readonly address: string;
}

/** The node did not answer in time, or not at all. What it did is unknown. */
export class NodeUnreachable extends Error {
  override readonly name = 'NodeUnreachable';
}
/** The node answered no. */
export class NodeRefused extends Error {
  override readonly name = 'NodeRefused';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

export interface PutChunk {
  readonly chunk: ChunkId;
  readonly slot: number;
  /** The placement version that was read, plus one. */
  readonly epoch: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

export interface RenewChunk {
  readonly chunk: ChunkId;
  readonly slot: number;
  readonly sha256: string;
  /** The placement version that was read, plus one. */
  readonly epoch: number;
}

export interface PullChunk {
  readonly chunk: ChunkId;
  readonly slot: number;
  /** Of the slot's bytes. */
  readonly size: number;
  readonly sha256: string;
  readonly epoch: number;
  /** Nodes that hold these very bytes, preferred first. */
  readonly holders: readonly NodeId[];
  /** How the slot's bytes are made where they cannot be copied; absent where every slot is the chunk. */
  readonly rebuild?: Rebuild;
}

export interface Rebuild {
  readonly data: number;
  readonly parity: number;
  readonly when: 'first' | 'copy-failed';
  /** Other slots of the chunk, preferred first: `data` of them make the one that is wanted. */
  readonly shards: readonly ShardSource[];
}

export interface ShardSource {
  readonly slot: number;
  readonly node: NodeId;
  readonly sha256: string;
}

/** Node agents. Every call carries capabilities that the adapter issues. */
export interface Nodes {
  /** @throws NodeUnreachable, NodeRefused */
  put(to: NodeAddress, chunk: PutChunk): Promise<Receipt>;
  /** The bytes as the node sent them: the reader compares their checksum. @throws NodeUnreachable, NodeRefused */
  read(from: NodeAddress, chunk: ChunkId): Promise<Uint8Array>;
  /**
   * Asks `to` to copy or rebuild slots; answers as each is durable and read back, or has failed.
   * Ends when all are answered. Leaving the loop early abandons the rest. @throws NodeUnreachable, NodeRefused
   */
  pull(
    to: NodeAddress,
    sources: readonly NodeAddress[],
    chunks: readonly PullChunk[],
    rate: number,
  ): AsyncIterable<PullEvent>;
  /** @throws NodeUnreachable, NodeRefused */
  remove(
    from: NodeAddress,
    removals: readonly { readonly chunk: ChunkId; readonly version: number }[],
  ): Promise<readonly Removal[]>;
  /**
   * Asks for copies that the node holds to be named again: each is read back and compared, and its fence
   * is durably at `epoch` when the node answers. @throws NodeUnreachable, NodeRefused
   */
  renew(at: NodeAddress, renewals: readonly RenewChunk[]): Promise<readonly Renewal[]>;
  /** Cuts off what clients have open there. @returns how many. @throws NodeUnreachable, NodeRefused */
  close(at: NodeAddress): Promise<number>;
  /** One page of what the node's disk holds, by chunk id. @throws NodeUnreachable, NodeRefused */
  held(
    node: NodeAddress,
    after?: string,
  ): Promise<{ readonly held: readonly Held[]; readonly next?: string }>;
  /**
   * One page of the damaged copies that the node's scrub found, by chunk id: what it says of itself.
   * @throws NodeUnreachable, NodeRefused
   */
  damaged(
    node: NodeAddress,
    after?: string,
  ): Promise<{ readonly damaged: readonly DamagedCopy[]; readonly next?: string }>;
  /**
   * The chunks that clients read most of late, hottest first, `limit` or 10,000 at most.
   * @throws NodeUnreachable, NodeRefused
   */
  heat(node: NodeAddress, limit: number): Promise<readonly ChunkHeat[]>;
  /** @throws NodeUnreachable, NodeRefused */
  stats(node: NodeAddress): Promise<Stats>;
}

export interface Machine {
  readonly instance: string;
  readonly node: NodeId;
  /** Nothing leads back from `shutting-down`; one that is stopping or stopped may yet start again. */
  readonly state: 'pending' | 'running' | 'stopping' | 'shutting-down' | 'terminated';
  /** `host:port`; empty while it has none. */
  readonly address: string;
  readonly zone: Zone;
}

/** What to launch instead of the launch template's own type. */
export interface MachineType {
  /** EC2's name. */
  readonly type: string;
  /** What the node may use for chunks; its disk may have less. */
  readonly capacityBytes: number;
}

/** EC2. */
export interface Machines {
  /**
   * Launches a node's machine; the same token gives the same machine.
   * @returns the machine, or why none is to be had now
   */
  launch(
    node: NodeId,
    zone: Zone,
    token: string,
    type?: MachineType,
  ): Promise<Machine | { readonly refused: string }>;
  /** Machines of the fleet, terminated ones for a while too. Eventually consistent: absence proves nothing. */
  list(): Promise<readonly Machine[]>;
  /** Zones by the ids under which AWS speaks of them, e.g. `use1-az2`. */
  zones(): Promise<ReadonlyMap<string, Zone>>;
  /** Lifts the termination protection and terminates. Again is harmless. */
  terminate(instance: string): Promise<void>;
}

export type WorkflowName = 'scale-out' | 'drain' | 'rebalance' | 'repair';

/** Step Functions: the execution's name comes from the job's id, so that a doubled start is harmless. */
export interface Workflows {
  start(workflow: WorkflowName, job: JobId): Promise<'started' | 'already-started'>;
}

/** SQS. Messages may come twice, late, in any order, or (to us) never: they are hints. */
export interface Queues {
  send(urgency: Urgency, messages: readonly BatchMessage[]): Promise<void>;
  /**
   * Hints that the trash and these nodes' outboxes (all nodes' when none is named) have rows due in
   * `delayMs` (15 minutes at most are kept).
   */
  sweep(nodes: readonly NodeId[], delayMs: number): Promise<void>;
}

/** S3: certificates and plans. Never a lock, never evidence. */
export interface Archive {
  put(key: string, body: string): Promise<void>;
}

/** EventBridge, the fleet's own bus. Told twice is harmless: an event's id is the same each time. */
export interface Events {
  /** @throws TryLater when some may not have been told */
  tell(events: readonly FleetEvent[]): Promise<void>;
}

export interface Ports {
  readonly tables: Tables;
  readonly nodes: Nodes;
  readonly machines: Machines;
  readonly workflows: Workflows;
  readonly queues: Queues;
  readonly archive: Archive;
  readonly events: Events;
  now(): EpochMillis;
  /** A new id: 26 characters, sorts by time (ULID). */
  newId(): string;
  /** The deployment's policy, or under `withPolicy` (policy.ts) the one that operators set over it. */
  readonly policy: Policy;
  /** One structured line, for people who look into what happened. */
  log(event: string, detail: Fields): void;
}
