import { mendKey } from '../contract/keys.ts';
import { MendRecord } from '../contract/records.ts';
import { chunkId, jobId, type NodeId } from '../core/ids.ts';
import { servesReads } from '../core/lifecycle.ts';
import { addressOf, type NodeWithBeat } from './fleet.ts';
import { type Job, listJobs, workflowOf } from './jobs.ts';
import { mendAgainMs } from './limits.ts';
import { type Item, NodeRefused, NodeUnreachable, type Ports } from './ports.ts';
import { confirmDamage, damagedPerJobMax, type FoundSlot, type OwnedDamage } from './scrub.ts';
import { openJobOp } from './start-job.ts';
import { writeKnown } from './write-known.ts';

/**
 * What nodes found damaged on their own disks is repaired: one job names what the placement has there and what is
 * damaged indeed. Slots that a repair names already, or did of late, are left to it: one that is blocked is not
 * started again at each look. Costs nothing while no heartbeat tells of damage.
 */
export async function mendDamage(ports: Ports, fleet: readonly NodeWithBeat[]): Promise<void> {
  const telling = fleet.filter(
    ({ state, beat }) => servesReads(state) && beat !== undefined && beat.damaged > 0,
  );
  if (telling.length === 0) return;
  // Before the jobs: a repair that another watch starts from now on makes this one's write fail.
  const [before] = await ports.tables.get([mendKey]);
  const isLeft = leftTo(repairsThatCount(await listJobs(ports.tables), ports.now()));
  const owned: OwnedDamage[] = [];
  for (const node of telling) owned.push(...(await damageAt(ports, node, isLeft)));
  const damaged = await confirmDamage(ports, inTurn(owned, ports.now()));
  if (damaged.length > 0) await startMending(ports, before, damaged);
}

const repairsThatCount = (jobs: readonly Job[], now: number): readonly Job[] =>
  jobs.filter(
    ({ kind, state, endedAt }) =>
      kind === 'repair' && (state === 'running' || now - endedAt < mendAgainMs),
  );

type IsLeft = (chunk: string, node: NodeId) => boolean;

/** Whether these repairs name what a node holds of a chunk: it holds one slot at most. */
function leftTo(repairs: readonly Job[]): IsLeft {
  const named = repairs.flatMap(({ damaged }) => damaged.map(({ chunk, node }) => [chunk, node]));
  const left = new Set(named.map((each) => each.join(' ')));
  return (chunk, node) => left.has(`${chunk} ${node}`);
}

/** What the node says, as much as one repair can name. A node that does not answer is asked at the next look. */
async function damageAt(
  ports: Ports,
  node: NodeWithBeat,
  isLeft: IsLeft,
): Promise<readonly OwnedDamage[]> {
  const owned: OwnedDamage[] = [];
  let after: string | undefined;
  try {
    do {
      const page = await ports.nodes.damaged(addressOf(node), after);
      for (const { chunk, reason } of page.damaged)
        if (!isLeft(chunk, node.id)) owned.push({ chunk: chunkId(chunk), node, reason });
      after = page.next;
    } while (after !== undefined && owned.length < damagedPerJobMax);
  } catch (error) {
    if (!(error instanceof NodeUnreachable || error instanceof NodeRefused)) throw error;
    ports.log('damage-untold', { node: node.id, message: error.message });
  }
  return owned.slice(0, damagedPerJobMax);
}

/** Begins elsewhere at each look: what is told and not so must not keep the rest from being looked at. */
function inTurn<T>(values: readonly T[], now: number): readonly T[] {
  const first = values.length === 0 ? 0 : Math.floor(now / 60_000) % values.length;
  return [...values.slice(first), ...values.slice(0, first)].slice(0, damagedPerJobMax);
}

/** Killed once the job is written, the watch starts its execution. */
async function startMending(
  ports: Ports,
  before: Item | undefined,
  damaged: readonly FoundSlot[],
): Promise<void> {
  const id = jobId(ports.newId());
  const generation = before === undefined ? 0 : MendRecord.parse(before).generation;
  const outcome = await writeKnown(
    ports.tables,
    [
      openJobOp(id, { kind: 'repair', damaged, reasons: reasonsFor(damaged) }, ports.now()),
      {
        op: 'put',
        key: mendKey,
        fields: { generation: generation + 1, lastOp: id },
        when: before === undefined ? 'absent' : { generation },
      },
    ],
    id,
  );
  if (outcome !== 'committed') return;
  ports.log('damage-found', { job: id, slots: damaged.length });
  await ports.workflows.start(workflowOf('repair'), id);
}

const reasonsFor = (damaged: readonly FoundSlot[]): readonly string[] =>
  [...Map.groupBy(damaged, ({ node }) => node)].map(
    ([node, slots]) =>
      `the scrub of ${node} found ${slots.length} damaged ${slots.length === 1 ? 'slot' : 'slots'}`,
  );
