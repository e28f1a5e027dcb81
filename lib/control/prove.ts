import type { Held } from '../contract/agent.ts';
import { outboxPartition } from '../contract/keys.ts';
import type { StepResult, Verdicts } from '../contract/messages.ts';
import type { ChunkRecord } from '../contract/records.ts';
import { type ChunkId, chunkId, type JobId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { beginStep } from './begin-step.ts';
import { names, readChunks } from './chunks.ts';
import { addressOf, type NodeView, readNodes, stepNode } from './fleet.ts';
import { namedIn, type Placements, tidyInventory } from './inventory.ts';
import { type Job, tellPhase } from './jobs.ts';
import { parkedRow } from './outbox.ts';
import { queryAll } from './pages.ts';
import { NodeRefused, NodeUnreachable, type Ports } from './ports.ts';

const lookAgainSeconds = 2;

/** One line of a certificate: a chunk on the leaving node's disk, and where the placement has it now. */
interface Evidence {
  readonly held: Held;
  readonly record: ChunkRecord | undefined;
}

/**
 * The proof before a termination, of each of a drain's nodes: a complete, strongly consistent pass over
 * its inventory, begun after the cordon, finds nothing; and every chunk on its own disk is placed on other
 * nodes that serve, or was removed. Then the node is `drained`, under the epoch in which it was cordoned,
 * and its certificate is kept.
 */
export async function prove(base: Ports, id: JobId): Promise<StepResult<Verdicts['prove']>> {
  const { ports, job } = await beginStep(base, id);
  if (job?.state !== 'running') return { verdict: 'cancelled', waitSeconds: 0 };
  const nodes = await readNodes(ports.tables);
  const leaving = nodes.filter((node) => job.nodes.includes(node.id));
  for (const node of leaving) {
    const lack = await proveNode(ports, job, nodes, node);
    if (lack !== undefined) {
      await tellPhase(ports, job, `no proof yet: ${lack}`);
      return { verdict: 'held', waitSeconds: lookAgainSeconds };
    }
  }
  return { verdict: 'proved', waitSeconds: 0 };
}

/** @returns what the proof lacks, if anything */
async function proveNode(
  ports: Ports,
  job: Job,
  nodes: readonly NodeView[],
  node: NodeView,
): Promise<string | undefined> {
  if (node.state === 'drained' || node.state === 'terminating') return undefined;
  if (node.state !== 'draining' && node.state !== 'dead') return `${node.id} is ${node.state}`;
  const listed = await tidyInventory(ports, node.id);
  const slots = namedIn(listed, node.id);
  if (slots.length > 0) return `${node.id} still holds ${slots.length} slots`;
  if (node.state === 'dead') return undefined;
  const evidence = await evidenceOf(ports, node, listed);
  if (typeof evidence === 'string') return evidence;
  const serving = new Set(
    nodes.filter((each) => servesReads(each.state)).map((each) => each.id as string),
  );
  const homeless = evidence.find(({ record }) => !isElsewhere(record, node, serving));
  if (homeless !== undefined)
    return `chunk ${homeless.held.chunk} on ${node.id} is placed nowhere else`;
  await certify(ports, job, node, evidence);
  return (await stepNode(ports, node, 'drained', job.id)) === 'stepped'
    ? undefined
    : `${node.id} changed while it was proved`;
}

/** @param listed placements that were read since the cordon: they need not be read again */
async function evidenceOf(
  ports: Ports,
  node: NodeView,
  listed: Placements,
): Promise<readonly Evidence[] | string> {
  const evidence: Evidence[] = [];
  let after: string | undefined;
  try {
    do {
      const page = await ports.nodes.held(addressOf(node), after);
      const others = page.held.map(({ chunk }) => chunkId(chunk)).filter((id) => !listed.has(id));
      const records = await readChunks(ports.tables, others);
      const found = new Map(others.map((id, i) => [id, records[i]] as const));
      const placementOf = (id: ChunkId) => (listed.has(id) ? listed : found).get(id);
      evidence.push(
        ...page.held.map((held) => ({ held, record: placementOf(chunkId(held.chunk)) })),
      );
      after = page.next;
    } while (after !== undefined);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    return `${node.id} does not list its disk: ${error.message}`;
  }
  return evidence;
}

/** A chunk that no commit ever named, or that was removed, is nobody's loss. */
function isElsewhere(
  record: ChunkRecord | undefined,
  node: NodeView,
  serving: ReadonlySet<string>,
): boolean {
  if (record === undefined || record.state === 'removed') return true;
  const { redundancy, holders } = record;
  const needed = redundancy.kind === 'erasure' ? redundancy.data : 1;
  return !names(record, node.id) && holders.filter((each) => serving.has(each)).length >= needed;
}

/** By chunk: when it last moved away, by the rows of its parked copies: they are kept while a node drains. */
async function leftAt(ports: Ports, node: NodeView): Promise<ReadonlyMap<string, string>> {
  const rows = await queryAll(ports.tables, 'placement', outboxPartition(node.id));
  const moves = rows.map(parkedRow).filter(({ movedAt }) => movedAt > 0);
  return new Map(
    moves
      .toSorted((left, right) => left.movedAt - right.movedAt)
      .flatMap(({ chunks, movedAt }) =>
        chunks.map((chunk) => [chunk, new Date(movedAt).toISOString()] as const),
      ),
  );
}

/**
 * The certificate: a line for each chunk that was on the disk, with its checksum as the disk says, who
 * holds it now, and since when.
 */
async function certify(
  ports: Ports,
  job: Job,
  node: NodeView,
  evidence: readonly Evidence[],
): Promise<void> {
  const movedAt = await leftAt(ports, node);
  const at = new Date(ports.now()).toISOString();
  const head = {
    ...{ certificate: 2, node: node.id, zone: node.zone, instance: node.instance },
    ...{ incarnation: node.incarnation, epoch: node.epoch, job: job.id, at },
    chunks: evidence.length,
    bytes: evidence.reduce((sum, { held }) => sum + held.size, 0),
  };
  const lines = evidence.map(({ held, record }) => ({
    chunk: held.chunk,
    slot: held.slot,
    sha256: held.sha256,
    size: held.size,
    state: record?.state ?? 'never committed',
    /** Who has the slot now, and since when: null where it left in another way than by a move. */
    holder: record?.state === 'live' ? (record.holders[held.slot] ?? null) : null,
    movedAt: movedAt.get(held.chunk) ?? null,
    holders: record?.holders ?? [],
    version: record?.version ?? 0,
  }));
  const body = [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
  await ports.archive.put(`certificates/${job.id}/${node.id}.ndjson`, body);
}
