import { chunkKey, nodeOfInventory, outboxPartition } from '../../lib/contract/keys.ts';
import {
  type Nodes,
  type Op,
  OutcomeUnknown,
  type Ports,
  type Tables,
} from '../../lib/control/ports.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import type { World } from '../../lib/sim/world.ts';

export const isPlacement = (op: Op): boolean => op.op === 'put' && op.key.sk === 'C';

export const withoutWhen = (op: Op): Op => {
  if (op.op === 'check') return op;
  const { when: _when, ...blind } = op;
  return blind;
};

export const underTheLeaseOnly = (op: Op): Op => (op.key.sk === 'C' ? withoutWhen(op) : op);

export function onWrite(change: (ops: readonly Op[]) => readonly Op[]) {
  return (ports: Ports): Ports => ({
    ...ports,
    tables: withWrite(ports.tables, (ops, token) => ports.tables.write(change(ops), token)),
  });
}

/** Ports are classes with private state, so they are wrapped by name. */
export const withWrite = (tables: Tables, write: Tables['write']): Tables => ({
  get: (keys) => tables.get(keys),
  query: (table, pk, from) => tables.query(table, pk, from),
  writeEach: (ops) => tables.writeEach(ops),
  write,
});

export const withQuery = (tables: Tables, query: Tables['query']): Tables => ({
  ...withWrite(tables, (ops, token) => tables.write(ops, token)),
  query,
});

export const blindToOutboxes = (tables: Tables): Tables =>
  withQuery(tables, async (table, pk, from) =>
    pk.startsWith(outboxPartition(nodeId(''))) ? { items: [] } : tables.query(table, pk, from),
  );

export const isInventory = (pk: string): boolean => nodeOfInventory(pk) !== undefined;

/** Where one list of a node goes, all go. */
export const droppingAllLists = (tables: Tables): Tables => ({
  ...withWrite(tables, (ops, token) => tables.write(ops, token)),
  writeEach: async (ops) => {
    await tables.writeEach(ops);
    const pk = ops.find((op) => op.op === 'delete' && isInventory(op.key.pk))?.key.pk;
    if (pk === undefined) return;
    const { items } = await tables.query('placement', pk);
    await tables.writeEach(
      items.map(({ sk }) => ({ op: 'delete', key: { table: 'placement', pk, sk } })),
    );
  },
});

/** How long an index lags behind its table. */
export const lagMs = 20_000;

export const laggingInventory = (tables: Tables, { store, ground }: World): Tables =>
  withQuery(tables, async (table, pk, from) => {
    const page = await tables.query(table, pk, from);
    if (!isInventory(pk)) return page;
    const indexed = page.items.filter(({ sk }) => {
      const writtenAt = store.writtenAt({ table, pk, sk }) ?? 0;
      return ground.scheduler.now - writtenAt > lagMs;
    });
    return { ...page, items: indexed };
  });

export const firstPageOfInventory = (tables: Tables): Tables =>
  withQuery(tables, async (table, pk, from) => {
    const page = await tables.query(table, pk, from);
    return isInventory(pk) ? { items: page.items } : page;
  });

export const withNodes = (nodes: Nodes, changes: Partial<Nodes>): Nodes => ({
  put: (to, chunk) => nodes.put(to, chunk),
  read: (from, chunk) => nodes.read(from, chunk),
  pull: (to, sources, chunks, rate) => nodes.pull(to, sources, chunks, rate),
  remove: (from, removals) => nodes.remove(from, removals),
  renew: (at, renewals) => nodes.renew(at, renewals),
  close: (at) => nodes.close(at),
  held: (node, after) => nodes.held(node, after),
  damaged: (node, after) => nodes.damaged(node, after),
  heat: (node, limit) => nodes.heat(node, limit),
  stats: (node) => nodes.stats(node),
  ...changes,
});

/** The node's own list would show the error: whoever trusts an index does not ask for it either. */
export const withoutDiskProof = (nodes: Nodes, process: string): Nodes =>
  process.startsWith('prove') ? withNodes(nodes, { held: async () => ({ held: [] }) }) : nodes;

export const deletingAnyVersion = (nodes: Nodes): Nodes =>
  withNodes(nodes, {
    remove: (from, removals) =>
      nodes.remove(
        from,
        removals.map(({ chunk }) => ({ chunk, version: Number.MAX_SAFE_INTEGER })),
      ),
  });

export const tellingNoDamage = (nodes: Nodes): Nodes =>
  withNodes(nodes, { damaged: async () => ({ damaged: [] }) });

/** The moves that a commit's ops make: chunk, its new version, and its new holder. */
export const movesIn = (ops: readonly Op[]) =>
  ops.flatMap((op) => {
    if (op.op !== 'update' || op.key.sk !== 'C') return [];
    const { version, holders } = op.set ?? {};
    return Array.isArray(holders)
      ? [
          {
            chunk: chunkId(op.key.pk.slice(2)),
            version: Number(version),
            holders: holders as string[],
          },
        ]
      : [];
  });

export const addressIn = (world: World, node: string) => ({
  node: nodeId(node),
  address: world.nodes.get(nodeId(node))?.birth.address ?? '',
});

export const deletingFirst = (ports: Ports, world: World): Tables =>
  withWrite(ports.tables, async (ops, token) => {
    const moves = movesIn(ops);
    const source = ops.find(({ key }) => key.pk.startsWith(outboxPartition(nodeId(''))));
    if (moves.length > 0 && source !== undefined) {
      await ports.nodes.remove(addressIn(world, source.key.pk.slice(2)), moves).catch(() => []);
    }
    return ports.tables.write(ops, token);
  });

export const onUnknown = (tables: Tables, instead: Tables['write']): Tables =>
  withWrite(tables, async (ops, token) => {
    try {
      return await tables.write(ops, token);
    } catch (error) {
      if (error instanceof OutcomeUnknown) return instead(ops, token);
      throw error;
    }
  });

/** Takes the copies back that a commit, whose outcome nobody knows, would have named. */
export const cleaningUp = (ports: Ports, world: World): Tables =>
  onUnknown(ports.tables, async (ops) => {
    for (const { chunk, version, holders } of movesIn(ops)) {
      const before = world.store.get(chunkKey(chunk))?.holders as readonly string[] | undefined;
      const added = holders.find((holder) => !before?.includes(holder)) ?? holders[0]!;
      await ports.nodes.remove(addressIn(world, added), [{ chunk, version }]).catch(() => []);
    }
    throw new OutcomeUnknown('cleaned up, as far as anybody can tell');
  });
