import { createHash } from 'node:crypto';
import type { DamagedCopy, Held, PullEvent, Receipt, Renewal } from '../../lib/contract/agent.ts';
import type { FleetEvent } from '../../lib/contract/events.ts';
import {
  chunkKey,
  fleetPartition,
  guardCopies,
  guardKey,
  heartbeatKey,
  inventoryPartition,
  nodeKey,
} from '../../lib/contract/keys.ts';
import type { BatchMessage } from '../../lib/contract/messages.ts';
import { Policy } from '../../lib/contract/policy.ts';
import type { ChunkRecord, NodeRecord } from '../../lib/contract/records.ts';
import { slotSha256 } from '../../lib/control/chunks.ts';
import {
  type Item,
  type Machine,
  NodeRefused,
  type Nodes,
  NodeUnreachable,
  type Op,
  type Ports,
  type PullChunk,
  type RenewChunk,
  type WriteResult,
} from '../../lib/control/ports.ts';
import { judgeDelete, judgePut, judgeRenewal } from '../../lib/core/fence.ts';
import type { NodeClass } from '../../lib/core/fleet.ts';
import { chunkId, type NodeId, nodeId, zone } from '../../lib/core/ids.ts';
import type { NodeState } from '../../lib/core/lifecycle.ts';
import { epochMillis } from '../../lib/core/units.ts';
import { Store } from '../../lib/sim/store.ts';
import { waysTo } from '../../lib/sim/ways.ts';

interface Shelf {
  fence: number;
  copy?: { bytes: Uint8Array; slot: number; epoch: number; at: number };
}

const judgedOf = (shelf: Shelf | undefined) =>
  shelf && {
    fence: shelf.fence,
    held: shelf.copy !== undefined,
    sha256: shelf.copy?.epoch === shelf.fence ? hashOf(shelf.copy.bytes) : undefined,
  };

/** A node agent in memory: a disk with fences that never fails unasked. */
export class MemoryNode {
  readonly id: NodeId;
  readonly shelves = new Map<string, Shelf>();
  incarnation: string;
  capacity: number;
  isUp = true;
  connections = 0;
  isSuspect = false;
  /** What its scrub tells, true or not, by chunk. */
  readonly damaged = new Map<string, DamagedCopy['reason']>();
  seq = 1;

  constructor(id: NodeId, capacity: number) {
    this.id = id;
    this.incarnation = `disk-of-${id}`;
    this.capacity = capacity;
  }

  get chunks(): string[] {
    return [...this.shelves].filter(([, { copy }]) => copy !== undefined).map(([id]) => id);
  }

  get used(): number {
    return [...this.shelves.values()].reduce((sum, { copy }) => sum + (copy?.bytes.length ?? 0), 0);
  }

  /** @throws NodeRefused */
  write(chunk: string, slot: number, epoch: number, bytes: Uint8Array, at: number): Receipt {
    const shelf = this.shelves.get(chunk);
    if (judgePut(judgedOf(shelf), epoch, hashOf(bytes)) !== 'store')
      throw new NodeRefused('below-fence', 'below the fence');
    this.shelves.set(chunk, { fence: epoch, copy: { bytes, slot, epoch, at } });
    this.damaged.delete(chunk);
    const { length: size } = bytes;
    return { chunk, slot, size, sha256: hashOf(bytes), epoch, incarnation: this.incarnation };
  }

  renew({ chunk, slot, sha256, epoch }: RenewChunk, at: number): Renewal {
    const shelf = this.shelves.get(chunk);
    const judged = shelf && { fence: shelf.fence, held: shelf.copy !== undefined };
    const verdict = judgeRenewal(judged, epoch);
    if (verdict === 'absent') return { outcome: 'refused', chunk, reason: 'not-held' };
    if (verdict === 'below-fence') return { outcome: 'refused', chunk, reason: verdict };
    const { bytes } = shelf!.copy!;
    if (hashOf(bytes) !== sha256) return { outcome: 'refused', chunk, reason: 'checksum' };
    return { outcome: 'renewed', receipt: this.write(chunk, slot, epoch, bytes, at) };
  }

  /** A bit of a copy flips, and the scrub has found it. */
  rot(chunk: string): void {
    const copy = this.shelves.get(chunk)!.copy!;
    copy.bytes = Uint8Array.from(copy.bytes, (byte) => byte ^ 1);
    this.damaged.set(chunk, 'checksum');
  }

  /** Of what the scrub found, what is still held. */
  get damagedCopies(): DamagedCopy[] {
    return [...this.damaged.keys()].sort().flatMap((chunk) => {
      const copy = this.shelves.get(chunk)?.copy;
      if (copy === undefined) return [];
      return [{ chunk, slot: copy.slot, epoch: copy.epoch, reason: this.damaged.get(chunk)! }];
    });
  }

  unlink(chunk: string, version: number) {
    const shelf = this.shelves.get(chunk);
    const outcome = judgeDelete(judgedOf(shelf), version);
    if (outcome === 'unlink') this.shelves.set(chunk, { fence: shelf!.fence });
    return { chunk, outcome };
  }
}

export const hashOf = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export interface WorldOptions {
  /** By node: its zone. */
  readonly nodes?: Readonly<Record<string, string>>;
  readonly policy?: Partial<Policy>;
  /** By node; those that are not named are mixed. */
  readonly classes?: Readonly<Record<string, NodeClass>>;
  /** Of each node. @default 10,000 */
  readonly capacityBytes?: number;
  /** Items of a page of a query, and copies of a page of a node's list. */
  readonly pageItems?: number;
  /** Stands between lib/control and the world, e.g. to count. */
  readonly wrap?: (ports: Ports, store: Store) => Ports;
}

const capacityDefault = 10_000;

/** lib/control's world in memory: real conditions and fences; time and faults by hand. */
export class World {
  readonly store: Store;
  readonly nodes = new Map<NodeId, MemoryNode>();
  readonly machines: Machine[] = [];
  readonly started: [workflow: string, job: string][] = [];
  readonly messages: BatchMessage[] = [];
  readonly sweeps: { nodes: readonly NodeId[]; delayMs: number }[] = [];
  readonly archive = new Map<string, string>();
  readonly told: FleetEvent[] = [];
  readonly logged: string[] = [];
  readonly ports: Ports;
  readonly pageItems: number;
  nowMs = Date.UTC(2026, 0, 1);
  /** Zones in which EC2 has nothing. */
  readonly refusedZones = new Set<string>();
  /** EC2's list does not show launches yet. */
  isListOld = false;
  /** Requests an hour that each holder of a chunk tells of. */
  readonly heats = new Map<string, number>();
  /** Called before each write; may do what others do meanwhile, or throw. */
  beforeWrite: (ops: readonly Op[]) => void | Promise<void> = () => {};
  /** Before unconditional puts and deletes. */
  beforeWriteEach: () => void | Promise<void> = () => {};
  /** Called after each write that committed; may throw as if its answer were lost. */
  afterWrite: (ops: readonly Op[]) => void = () => {};
  beforePullEvent: (event: PullEvent) => void | Promise<void> = () => {};
  beforeRemove: (node: NodeId) => void | Promise<void> = () => {};
  beforeRenew: (renewals: readonly RenewChunk[]) => void | Promise<void> = () => {};
  /** Before a node tells what is damaged; may refuse. */
  beforeDamaged: (node: NodeId) => void | Promise<void> = () => {};
  /** Before a node tells its heat; may refuse. */
  beforeHeat: (node: NodeId) => void | Promise<void> = () => {};
  beforeQuery: (pk: string) => void | Promise<void> = () => {};
  /** Changes what a pull says of a chunk. */
  tamper: (event: PullEvent) => readonly PullEvent[] = (event) => [event];
  /** Called before events are told; may throw as EventBridge does. */
  beforeTell: (events: readonly FleetEvent[]) => void | Promise<void> = () => {};
  reads = 0;
  readonly #capacity: number;
  readonly #classes: Readonly<Record<string, NodeClass>>;
  #ids = 0;

  constructor({ nodes = abc, policy = {}, pageItems = 50, wrap, ...rest }: WorldOptions = {}) {
    this.pageItems = pageItems;
    this.#capacity = rest.capacityBytes ?? capacityDefault;
    this.#classes = rest.classes ?? {};
    this.store = new Store(() => this.nowMs);
    const ports = this.#ports(
      Policy.parse({ nodeCapacityBytes: this.#capacity, fillHard: 1, ...policy }),
    );
    this.ports = wrap?.(ports, this.store) ?? ports;
    for (const [name, where] of Object.entries(nodes)) this.enrol(name, where);
  }

  /** A node that has been there for long. */
  enrol(name: string, where: string, state: NodeState = 'active', job = ''): MemoryNode {
    const id = nodeId(name);
    const node = new MemoryNode(id, this.#capacity);
    this.nodes.set(id, node);
    const instance = `i-${name}`;
    const address = `${name}:7070`;
    this.machines.push({ instance, node: id, state: 'running', address, zone: zone(where) });
    const record: NodeRecord = {
      ...{ state, epoch: 3, zone: where, job },
      ...{ class: this.#classes[name] ?? 'mixed', capacity: this.#capacity },
      ...{ launchToken: name, instance, address, incarnation: node.incarnation },
      ...{ since: this.nowMs, lastOp: '' },
    };
    this.store.write([
      { op: 'put', key: nodeKey(id), fields: record },
      ...Array.from({ length: guardCopies }, (_, copy) => ({
        op: 'put' as const,
        key: guardKey(id, copy),
        fields: { state, epoch: 3 },
      })),
    ]);
    this.beat(name);
    return node;
  }

  node(name: string): MemoryNode {
    return this.nodes.get(nodeId(name))!;
  }

  record(name: string): Item | undefined {
    return this.store.get(nodeKey(nodeId(name)));
  }

  state(name: string): unknown {
    return this.record(name)?.state;
  }

  placement(chunk: string): ChunkRecord | undefined {
    return this.store.get(chunkKey(chunkId(chunk))) as ChunkRecord | undefined;
  }

  beat(name: string, changes: Readonly<Record<string, unknown>> = {}): void {
    const node = this.node(name);
    node.seq++;
    const fields = {
      ...{ at: this.nowMs, seq: node.seq, port: 7070, incarnation: node.incarnation },
      ...{ usedBytes: node.used, capacityBytes: node.capacity, chunks: node.chunks.length },
      ...{ connections: 0, cpu: 0, memory: 0, ioWait: 0, p99Ms: 0, diskSuspect: false },
      ...{ foregroundIn: 0, foregroundOut: 0, backgroundIn: 0, backgroundOut: 0 },
      ...{ damaged: node.damagedCopies.length, ...changes },
    };
    this.store.write([{ op: 'put', key: heartbeatKey(node.id), fields }]);
  }

  /** Lets time pass; those that are up beat. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const { id, isUp } of this.nodes.values()) if (isUp) this.beat(id);
  }

  /** EC2 has ended what was told to end. */
  shutDown(): void {
    for (const [i, machine] of this.machines.entries()) {
      if (machine.state === 'stopping') this.machines[i] = { ...machine, state: 'terminated' };
    }
  }

  /** A copy as a move makes it, durable and not yet committed. */
  copyAhead(chunk: string, from: string, to: string): void {
    const { version, holders } = this.placement(chunk)!;
    if (holders.includes(to)) return;
    const { bytes } = this.node(from).shelves.get(chunk)!.copy!;
    this.node(to).write(chunk, holders.indexOf(from), version + 1, bytes, this.nowMs);
  }

  /** A machine and its disk are gone for good. */
  lose(node: string): void {
    const at = this.machines.findIndex((machine) => machine.node === node);
    this.machines[at] = { ...this.machines[at]!, state: 'terminated' };
    this.node(node).isUp = false;
  }

  /** EC2 has started what was launched, and its agents run. */
  boot(): void {
    for (const [i, machine] of this.machines.entries()) {
      if (machine.state !== 'pending') continue;
      const { node } = machine;
      this.machines[i] = { ...machine, state: 'running', address: `${node}:7070` };
      this.nodes.set(node, new MemoryNode(node, this.#capacity));
      this.beat(node);
    }
  }

  /** Everything that is not as the placement says: of copies, inventories and disks. */
  problems(): string[] {
    const found: string[] = [];
    const gone = new Set<string>();
    for (const item of this.store.all('placement', fleetPartition)) {
      if (item.state === 'gone' || item.state === 'dead') gone.add(item.sk.slice(2));
    }
    const live = [...this.store.items('placement')].filter(
      ({ sk, state }) => sk === 'C' && state === 'live',
    );
    for (const item of live) {
      const chunk = chunkId(item.pk.slice(2));
      const record = item as unknown as ChunkRecord;
      const { holders } = record;
      if (new Set(holders).size < holders.length) found.push(`${chunk} twice on a node`);
      for (const [slot, holder] of holders.entries()) {
        const lists = this.store.all('placement', inventoryPartition(nodeId(holder)));
        if (!lists.some((list) => (list.chunks as string[]).includes(chunk)))
          found.push(`${holder} has no list with ${chunk}`);
        if (gone.has(holder)) continue;
        const copy = this.node(holder).shelves.get(chunk)?.copy;
        if (copy === undefined || hashOf(copy.bytes) !== slotSha256(record, slot))
          found.push(`${holder} lacks ${chunk}`);
      }
    }
    return found;
  }

  /** Copies on disks of nodes that take part which no placement names. */
  orphans(): string[] {
    return [...this.nodes.values()].flatMap(({ id, chunks }) =>
      chunks
        .filter((chunk) => {
          const record = this.placement(chunk);
          return record?.state !== 'live' || !record.holders.includes(id);
        })
        .map((chunk) => `${chunk} on ${id}`),
    );
  }

  #ports(policy: Policy): Ports {
    return {
      tables: {
        get: async (keys) => {
          this.reads += keys.length;
          return keys.map((key) => this.store.get(key));
        },
        query: async (table, pk, from = {}) => {
          await this.beforeQuery(pk);
          return this.store.page(table, pk, from.prefix ?? '', from.next ?? '', this.pageItems);
        },
        write: async (ops, token): Promise<WriteResult> => {
          await this.beforeWrite(ops);
          const result = this.store.write(ops, token);
          if (result.kind === 'committed') this.afterWrite(ops);
          return result;
        },
        writeEach: async (ops) => {
          await this.beforeWriteEach();
          for (const op of ops) this.store.write([op]);
        },
      },
      nodes: this.#nodes(),
      machines: {
        launch: async (node, where, token) => {
          if (this.refusedZones.has(where)) return { refused: 'InsufficientInstanceCapacity' };
          const instance = `i-${token}`;
          const known = this.machines.find((machine) => machine.instance === instance);
          if (known !== undefined) return known;
          const machine = { instance, node, state: 'pending', address: '', zone: where } as const;
          this.machines.push(machine);
          return machine;
        },
        list: async () =>
          this.isListOld ? this.machines.filter(({ state }) => state !== 'pending') : this.machines,
        zones: async () =>
          new Map([...new Set(this.machines.map((each) => each.zone))].map((z) => [`id-${z}`, z])),
        terminate: async (instance) => {
          const at = this.machines.findIndex((machine) => machine.instance === instance);
          const machine = this.machines[at];
          if (machine === undefined || machine.state === 'terminated') return;
          this.machines[at] = { ...machine, state: 'stopping', address: '' };
        },
      },
      workflows: {
        start: async (workflow, job) => {
          const known = this.started.some(([, id]) => id === job);
          this.started.push([workflow, job]);
          return known ? 'already-started' : 'started';
        },
      },
      queues: {
        send: async (_urgency, messages) => void this.messages.push(...messages),
        sweep: async (nodes, delayMs) => void this.sweeps.push({ nodes, delayMs }),
      },
      archive: { put: async (key, body) => void this.archive.set(key, body) },
      events: {
        tell: async (events) => {
          await this.beforeTell(events);
          this.told.push(...events);
        },
      },
      now: () => epochMillis(this.nowMs),
      newId: () => `ID${String(++this.#ids).padStart(24, '0')}`,
      policy,
      log: (event) => void this.logged.push(event),
    };
  }

  #reach(node: NodeId): MemoryNode {
    const found = this.nodes.get(node);
    if (found?.isUp !== true) throw new NodeUnreachable(`${node} does not answer`);
    return found;
  }

  #nodes(): Nodes {
    return {
      put: async ({ node }, { chunk, slot, epoch, bytes }) =>
        this.#reach(node).write(chunk, slot, epoch, bytes, this.nowMs),
      read: async ({ node }, chunk) => {
        const copy = this.#reach(node).shelves.get(chunk)?.copy;
        if (copy === undefined) throw new NodeRefused('not-held', `${node} has no ${chunk}`);
        return copy.bytes;
      },
      pull: (to, sources, chunks) =>
        this.#pull(
          to.node,
          sources.map(({ node }) => node),
          chunks,
        ),
      remove: async ({ node }, removals) => {
        await this.beforeRemove(node);
        const at = this.#reach(node);
        return removals.map(({ chunk, version }) => at.unlink(chunk, version));
      },
      renew: async ({ node }, renewals) => {
        await this.beforeRenew(renewals);
        const at = this.#reach(node);
        return renewals.map((each) => at.renew(each, this.nowMs));
      },
      close: async ({ node }) => {
        const at = this.#reach(node);
        const closed = at.connections;
        at.connections = 0;
        return closed;
      },
      held: async ({ node }, after = '') => {
        const at = this.#reach(node);
        const chunks = at.chunks.sort().filter((chunk) => chunk > after);
        const page = chunks.slice(0, this.pageItems);
        const held = page.map((chunk): Held => {
          const { bytes, slot, epoch, at: since } = at.shelves.get(chunk)!.copy!;
          const ageMs = this.nowMs - since;
          return { chunk, slot, epoch, size: bytes.length, sha256: hashOf(bytes), ageMs };
        });
        return chunks.length > page.length ? { held, next: page.at(-1)! } : { held };
      },
      damaged: async ({ node }, after = '') => {
        await this.beforeDamaged(node);
        const found = this.#reach(node).damagedCopies.filter(({ chunk }) => chunk > after);
        const damaged = found.slice(0, this.pageItems);
        const last = damaged.at(-1)?.chunk;
        return found.length > damaged.length ? { damaged, next: last! } : { damaged };
      },
      heat: async ({ node }, limit) => {
        await this.beforeHeat(node);
        return this.#reach(node)
          .chunks.map((chunk) => ({ chunk, heat: this.heats.get(chunk) ?? 0 }))
          .sort((left, right) => right.heat - left.heat)
          .slice(0, limit);
      },
      stats: async ({ node }) => {
        const at = this.#reach(node);
        return {
          ...{ node, instance: '', zone: '', incarnation: at.incarnation, usedBytes: at.used },
          ...{ capacityBytes: at.capacity, chunks: at.chunks.length, connections: at.connections },
          ...{ cpu: 0, memory: 0, ioWait: 0, p99Ms: 0, diskSuspect: at.isSuspect },
          ...{ throttle: 'none', throttleReason: '', backgroundRate: 0, backgroundFactor: 1 },
          objectiveMs: null,
          ...{ foregroundIn: 0, foregroundOut: 0, backgroundIn: 0, backgroundOut: 0 },
          ...{ damaged: at.damagedCopies.length, scrubbedAt: 0, scrubShare: 0 },
        };
      },
    };
  }

  async *#pull(
    to: NodeId,
    sources: readonly NodeId[],
    chunks: readonly PullChunk[],
  ): AsyncIterable<PullEvent> {
    const node = this.#reach(to);
    for (const wanted of chunks) {
      for (const event of this.tamper(this.#pullOne(node, sources, wanted))) {
        await this.beforePullEvent(event);
        yield event;
      }
    }
  }

  #pullOne(to: MemoryNode, sources: readonly NodeId[], wanted: PullChunk): PullEvent {
    const { chunk, slot, epoch } = wanted;
    const failed = (reason: 'source-unreachable' | 'below-fence' | 'full'): PullEvent => ({
      event: 'failed',
      chunk,
      reason,
      message: reason,
    });
    const read = (from: NodeId) => {
      const isThere = sources.includes(from) && this.nodes.get(from)?.isUp === true;
      const copy = isThere ? this.node(from).shelves.get(chunk)?.copy : undefined;
      return copy === undefined ? 'source-unreachable' : copy.bytes;
    };
    const matches = (bytes: Uint8Array, sha256: string) => hashOf(bytes) === sha256;
    const came = waysTo(wanted, { read, matches }).map((way) => way());
    const good = came.find((each) => typeof each !== 'string');
    if (good === undefined) return failed('source-unreachable');
    if (to.used + good.length > to.capacity) return failed('full');
    try {
      const receipt = to.write(chunk, slot, epoch, good, this.nowMs);
      return { event: 'received', receipt };
    } catch {
      return failed('below-fence');
    }
  }
}

const abc = { a1: 'a', b1: 'b', c1: 'c' };
/** Two nodes a zone: one may leave. */
export const pairs = { a1: 'a', a2: 'a', b1: 'b', b2: 'b', c1: 'c', c2: 'c' };
