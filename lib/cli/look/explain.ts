import { chunkIdPattern } from '../../contract/agent.ts';
import type { ChunkRecord, FileChunk } from '../../contract/records.ts';
import { formatRedundancy } from '../../contract/redundancy.ts';
import { readChunks, slotSize } from '../../control/chunks.ts';
import { findFile } from '../../control/files.ts';
import { type NodeView, readFleet } from '../../control/fleet.ts';
import { readJob } from '../../control/jobs.ts';
import { listChunks } from '../../control/manifest.ts';
import type { Ports } from '../../control/ports.ts';
import { chunkId, jobId } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { counted, formatDuration, formatShare } from '../text.ts';
import { UserError } from '../user-error.ts';
import { viewJobs } from './job-view.ts';
import { isStuck, stuckLine } from './job-words.ts';
import { jobFacts } from './jobs.ts';
import { viewNodes } from './node-view.ts';

/** Says what the thing of this name is, where it is, and why: a node, a job, a chunk or a stored file. */
export const explain = (context: Context, id: string): Promise<Answer> =>
  withStore(context, async (ports) => {
    const found =
      (await explainNode(ports, id)) ??
      (await explainJob(ports, id)) ??
      (await explainChunk(ports, id)) ??
      (await explainFile(ports, id));
    if (found === undefined) {
      throw new UserError(`There is no node, job, chunk or file ${JSON.stringify(id)}.`);
    }
    return found;
  });

async function explainNode(ports: Ports, id: string): Promise<Answer | undefined> {
  const fleet = await readFleet(ports.tables);
  const node = fleet.find((each) => each.id === id);
  if (node === undefined) return undefined;
  const now = ports.now();
  const job = await readJob(ports.tables, jobId(node.job));
  const running = job?.state === 'running' ? await viewJobs(ports.tables, [job], now) : [];
  const [view] = viewNodes([node], now, running);
  const why = job && { id: job.id, kind: job.kind, state: job.state, reasons: job.reasons };
  return {
    document: {
      subject: 'node',
      ...view,
      since: new Date(node.since).toISOString(),
      cause: why ?? null,
    },
    text: () =>
      [
        `Node ${id} (${node.class}, zone ${node.zone}) has been ${node.state} for ${formatDuration(now - node.since)}.`,
        `It holds ${counted(view!.chunks, 'chunk')}, ${formatBytes(view!.usedBytes)} of ${formatBytes(node.capacity)} (${formatShare(view!.fill)}).`,
        why === undefined
          ? 'No job that is remembered put it into this state.'
          : `Job ${why.id} (${why.kind}, ${why.state}) put it there: ${why.reasons.join('; ')}.`,
        ...running.filter(isStuck).map((each) => `${stuckLine(each)}.`),
      ].join('\n'),
  };
}

async function explainJob(ports: Ports, id: string): Promise<Answer | undefined> {
  const job = await readJob(ports.tables, jobId(id));
  if (job === undefined) return undefined;
  const [view] = await viewJobs(ports.tables, [job], ports.now());
  return { document: { subject: 'job', ...view }, text: () => jobFacts(view!) };
}

async function explainChunk(ports: Ports, id: string): Promise<Answer | undefined> {
  if (!chunkIdPattern.test(id)) return undefined;
  const [record] = await readChunks(ports.tables, [chunkId(id)]);
  if (record === undefined) return undefined;
  const holders = holdersIn(await readFleet(ports.tables), record);
  return {
    document: { subject: 'chunk', chunk: id, ...record, holders },
    text: () =>
      [
        `Chunk ${id} (${record.kind}, ${formatBytes(record.size)}, ${formatRedundancy(record.redundancy)}) is ${record.state} at version ${record.version}.`,
        slotsInWords(record),
        ...holders.map(
          ({ node, zone, state }, slot) => `Slot ${slot} is on ${node} (zone ${zone}, ${state}).`,
        ),
      ].join('\n'),
  };
}

/** What a slot is, and how many may be lost. */
function slotsInWords(record: ChunkRecord): string {
  const { redundancy } = record;
  const each = formatBytes(slotSize(record));
  return redundancy.kind === 'replicated'
    ? `Each slot is a whole copy: one is enough to read it.`
    : `Slots 0 to ${redundancy.data - 1} are its data, the rest is parity, ${each} each: any ${redundancy.data} are enough to read it.`;
}

interface HolderView {
  readonly node: string;
  readonly zone: string;
  readonly state: string;
}

const holdersIn = (fleet: readonly NodeView[], { holders }: ChunkRecord): readonly HolderView[] =>
  holders.map((node) => {
    const found = fleet.find(({ id }) => id === node);
    return { node, zone: found?.zone ?? '?', state: found?.state ?? 'gone' };
  });

async function explainFile(ports: Ports, id: string): Promise<Answer | undefined> {
  const path = id.replace(/^\/+/, '');
  if (path === '') return undefined;
  const record = await findFile(ports.tables, path);
  if (record === undefined) return undefined;
  const fleet = await readFleet(ports.tables);
  const chunks = await placesOf(ports, fleet, await listChunks(ports, fleet, record));
  const manifest = await placesOf(ports, fleet, record.manifest);
  return {
    document: { subject: 'file', path, ...record, chunks, manifest },
    text: () =>
      [
        `File ${path} has ${formatBytes(record.size)} in ${counted(chunks.length, 'chunk')}, version ${record.version}.`,
        `SHA-256 ${record.sha256}.`,
        ...[...manifest.map(wordsOf('Manifest chunk')), ...chunks.map(wordsOf('Chunk'))],
      ].join('\n'),
  };
}

type ChunkPlace = Awaited<ReturnType<typeof placesOf>>[number];

const wordsOf =
  (name: 'Chunk' | 'Manifest chunk') =>
  ({ id, redundancy, holders }: ChunkPlace): string =>
    `${name} ${id}${redundancy === null ? '' : ` (${formatRedundancy(redundancy)})`} is on ${holders.map(({ node, zone, state }) => `${node} (${zone}, ${state})`).join(', ')}.`;

async function placesOf(ports: Ports, fleet: readonly NodeView[], chunks: readonly FileChunk[]) {
  const ids = chunks.map(({ id }) => chunkId(id));
  const records = await readChunks(ports.tables, ids);
  return chunks.map(({ id, size }, i) => {
    const record = records[i];
    if (record === undefined) return { id, size, redundancy: null, holders: [] };
    const { redundancy } = record;
    return { id, size, redundancy, holders: holdersIn(fleet, record) };
  });
}
