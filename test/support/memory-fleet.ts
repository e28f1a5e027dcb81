import { createHash } from 'node:crypto';
import { guardCopies, guardKey, nodeKey } from '../../lib/contract/keys.ts';
import { Policy } from '../../lib/contract/policy.ts';
import { NodeRefused, type Nodes, NodeUnreachable, type Ports } from '../../lib/control/ports.ts';
import { type ChunkId, type NodeId, nodeId } from '../../lib/core/ids.ts';
import { epochMillis } from '../../lib/core/units.ts';
import { Store } from '../../lib/sim/store.ts';

export interface MemoryFleet {
  readonly ports: Ports;
  readonly store: Store;
  /** What each node's disk holds. */
  readonly disks: ReadonlyMap<NodeId, Map<ChunkId, Uint8Array>>;
  /** Nodes that do not answer. */
  readonly down: Set<string>;
  /** Called before each chunk is put. */
  beforePut: () => void;
  /** Chunks being put now, and the most that ever were. */
  readonly puts: { bytesNow: number; bytesMost: number };
  /** Jobs whose execution was started, by workflow. */
  readonly started: [string, string][];
  nowMs: number;
}

const notNeeded = (name: string) => (): never => {
  throw new Error(`${name} is not part of this fleet`);
};

/** A fleet in memory, one node a zone unless more are named: real tables, disks that never fail unasked. */
export function memoryFleet(
  nodes: Readonly<Record<string, string>> = { n1: 'a', n2: 'b', n3: 'c' },
  policy: Partial<Policy> = {},
): MemoryFleet {
  let ids = 0;
  const disks = new Map(Object.keys(nodes).map((name) => [nodeId(name), new Map()]));
  const fleet: MemoryFleet = {
    store: new Store(() => fleet.nowMs),
    disks,
    down: new Set(),
    beforePut: () => {},
    puts: { bytesNow: 0, bytesMost: 0 },
    started: [],
    nowMs: Date.UTC(2026, 0, 1),
    get ports() {
      return ports;
    },
  };
  const { store } = fleet;
  const ports: Ports = {
    tables: {
      get: async (keys) => keys.map((key) => store.get(key)),
      query: async (table, pk, from = {}) =>
        store.page(table, pk, from.prefix ?? '', from.next ?? '', 50),
      write: async (ops, token) => store.write(ops, token),
      writeEach: async (ops) => {
        for (const op of ops) store.write([op]);
      },
    },
    nodes: memoryNodes(fleet),
    machines: {
      launch: notNeeded('EC2'),
      list: async () => [],
      zones: notNeeded('EC2'),
      terminate: notNeeded('EC2'),
    },
    workflows: {
      start: async (workflow, job) => {
        fleet.started.push([workflow, job]);
        return 'started';
      },
    },
    queues: { send: async () => {}, sweep: async () => {} },
    archive: { put: async () => {} },
    events: { tell: async () => {} },
    now: () => epochMillis(fleet.nowMs),
    newId: () => `ID${String(++ids).padStart(24, '0')}`,
    policy: Policy.parse({ nodeCapacityBytes: 1e9, ...policy }),
    log: () => {},
  };
  for (const [name, zone] of Object.entries(nodes)) enrol(store, name, zone);
  return fleet;
}

export function enrol(store: Store, name: string, zone: string, state = 'active'): void {
  const fields = {
    ...{ state, zone, epoch: 3, class: 'mixed', capacity: 1e9, launchToken: name, job: '' },
    ...{ instance: `i-${name}`, address: `${name}:7070`, incarnation: name, since: 0, lastOp: '' },
  };
  store.write([
    { op: 'put', key: nodeKey(nodeId(name)), fields },
    ...Array.from({ length: guardCopies }, (_, copy) => ({
      op: 'put' as const,
      key: guardKey(nodeId(name), copy),
      fields: { state, epoch: 3 },
    })),
  ]);
}

function memoryNodes(fleet: MemoryFleet): Nodes {
  const diskOf = (node: NodeId) => {
    const disk = fleet.disks.get(node);
    if (disk === undefined || fleet.down.has(node)) throw new NodeUnreachable(`${node} is down`);
    return disk;
  };
  return {
    put: async ({ node }, { chunk, slot, epoch, sha256, bytes }) => {
      fleet.beforePut();
      const { puts } = fleet;
      puts.bytesNow += bytes.length;
      puts.bytesMost = Math.max(puts.bytesMost, puts.bytesNow);
      await new Promise(setImmediate);
      puts.bytesNow -= bytes.length;
      diskOf(node).set(chunk, Uint8Array.from(bytes));
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error('checksum');
      return { chunk, slot, size: bytes.length, sha256, epoch, incarnation: node };
    },
    read: async ({ node }, chunk) => {
      const bytes = diskOf(node).get(chunk);
      if (bytes === undefined) throw new NodeRefused('not-held', `${node} has no ${chunk}`);
      return bytes;
    },
    pull: notNeeded('pulling'),
    remove: async ({ node }, removals) =>
      removals.map(({ chunk }) => ({
        chunk,
        outcome: diskOf(node).delete(chunk) ? 'unlink' : 'absent',
      })),
    renew: notNeeded('renewing'),
    close: notNeeded('closing'),
    held: notNeeded('listing'),
    damaged: notNeeded('damage'),
    heat: notNeeded('heat'),
    stats: notNeeded('statistics'),
  };
}
