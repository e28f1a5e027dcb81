/** The fleet as a scaling decision sees it. */
import { scalingKey } from '../contract/keys.ts';
import { ScalingRecord } from '../contract/records.ts';
import type { ZoneUse } from '../core/capacity.ts';
import {
  type MarkTimes,
  markTimes,
  type ScaleHistory,
  type ScaleNode,
  zoneUses,
} from '../core/decide-scale.ts';
import { nodeId, zone } from '../core/ids.ts';
import { typeNamed } from '../core/node-type.ts';
import { bytes, epochMillis } from '../core/units.ts';
import { type NodeWithBeat, readFleet } from './fleet.ts';
import { type Job, listJobs } from './jobs.ts';
import type { Ports } from './ports.ts';

export interface Look {
  readonly fleet: readonly NodeWithBeat[];
  readonly nodes: readonly ScaleNode[];
  readonly running: readonly Job[];
  readonly last: ScalingRecord;
  readonly marks: MarkTimes;
  /** Whether it is time to record what zones hold. */
  readonly sampling: 'due' | 'not-due';
}

const neverScaled: ScalingRecord = {
  ...{ generation: 0, lastOutAt: 0, lastInAt: 0, lastTrialAt: 0, sampledAt: 0 },
  ...{ highSince: 0, lowSince: 0, job: '', decision: 'hold', reasons: [], decidedAt: 0 },
};

export async function lookAt(ports: Ports): Promise<Look> {
  const [fleet, jobs, [item]] = await Promise.all([
    readFleet(ports.tables),
    listJobs(ports.tables),
    ports.tables.get([scalingKey]),
  ]);
  const last = item === undefined ? neverScaled : ScalingRecord.parse(item);
  const running = jobs.filter(({ state }) => state === 'running');
  const nodes = scaleNodes(ports, fleet, running);
  const marks = markTimes(nodes, ports.policy, marksOf(last), ports.now());
  return { fleet, nodes, running, last, marks, sampling: samplingOf(ports, last) };
}

/** What each zone holds now, as decisions see it. */
export async function readUses(ports: Ports): Promise<readonly ZoneUse[]> {
  const [fleet, jobs] = await Promise.all([readFleet(ports.tables), listJobs(ports.tables)]);
  const running = jobs.filter(({ state }) => state === 'running');
  return zoneUses(scaleNodes(ports, fleet, running));
}

const marksOf = ({ highSince, lowSince }: ScalingRecord): MarkTimes => ({
  ...(highSince > 0 && { highSince: epochMillis(highSince) }),
  ...(lowSince > 0 && { lowSince: epochMillis(lowSince) }),
});

function samplingOf({ policy, now }: Ports, { sampledAt }: ScalingRecord): Look['sampling'] {
  const every = policy.historyEveryMs;
  const turn = (at: number) => Math.floor(at / every);
  return every > 0 && turn(now()) > turn(sampledAt) ? 'due' : 'not-due';
}

/** Since when what holds, as the decision wants it. */
export function since({ last, fleet, marks }: Look): Omit<ScaleHistory, 'jobsRunning'> {
  const { lastOutAt, lastInAt } = last;
  const joins = fleet.filter(({ state }) => state === 'active').map((node) => node.since);
  return {
    ...marks,
    ...(lastOutAt > 0 && { lastScaleOut: epochMillis(lastOutAt) }),
    ...(lastInAt > 0 && { lastScaleIn: epochMillis(lastInAt) }),
    ...(joins.length > 0 && { lastJoin: epochMillis(Math.max(...joins)) }),
  };
}

function scaleNodes(
  ports: Ports,
  fleet: readonly NodeWithBeat[],
  running: readonly Job[],
): readonly ScaleNode[] {
  const taken = new Set(running.flatMap(({ mustLeave, nodes }) => (mustLeave ? nodes : [])));
  const known = fleet.map((node) => {
    const isLost = node.state === 'draining' ? taken.has(node.id) : node.beat?.diskSuspect === true;
    return { ...scaleNode(ports, node), isLost };
  });
  return [...known, ...asked(ports, running)];
}

/** Nodes of scale-outs that have launched nothing yet: on their way, and in no list of the fleet. */
const asked = (ports: Ports, running: readonly Job[]): readonly ScaleNode[] =>
  running
    .filter(({ kind, nodes }) => kind === 'scale-out' && nodes.length === 0)
    .flatMap(({ id, launch, launchType }) =>
      Object.entries(launch).flatMap(([where, count]) =>
        Array.from({ length: count }, (_, i) => ({
          id: nodeId(`${id}-${where}${i}`),
          zone: zone(where),
          capacity: bytes(typeNamed(ports.policy, launchType).capacityBytes),
          used: bytes(0),
          state: 'launched' as const,
          healthy: true,
        })),
      ),
    );

const scaleNode = (ports: Ports, node: NodeWithBeat): ScaleNode => ({
  id: node.id,
  zone: node.zone,
  capacity: bytes(node.capacity),
  used: bytes(node.beat?.usedBytes ?? 0),
  state: node.state,
  healthy: node.beat !== undefined && ports.now() - node.beat.at < ports.policy.deadAfterMs,
});
