/** The rules that a replay compares: ours as the autoscaler runs it, and the reference design's. */
import {
  decideScale,
  type MarkTimes,
  markTimes,
  type ScaleHistory,
  type ScaleNode,
  type ScalePolicy,
  zoneUses,
} from './decide-scale.ts';
import {
  fitForecast,
  forecastHoursMax,
  hourMs,
  type Outlook,
  risingBytesPerHour,
  type UseSample,
} from './forecast.ts';
import type { Zone } from './ids.ts';
import { emptiestOf, type ModelFleet } from './model-fleet.ts';
import { type NodeType, nodeTypesOf, typeNamed } from './node-type.ts';
import type { ReplayRule, ReplayStep } from './replay.ts';
import type { TrialOutcome } from './scale-in.ts';
import { bytes, epochMillis } from './units.ts';

/** Scale up above, scale down below (row 9 of the reference design); looked at so often. */
const reference = { above: 0.8, below: 0.3, everyMs: 30_000 };

/**
 * The reference design's rule: one node at a time by the fill of the whole fleet; each scaling is waited for,
 * its levelling too, before the next look. It knows no zones: here it adds where fill is highest and takes
 * where it is lowest, and leaves each zone one node.
 */
export const referenceRule = (type: NodeType): ReplayRule => ({
  everyMs: reference.everyMs,
  step(fleet) {
    if (fleet.jobs.length > 0) return { kind: 'hold' };
    const fill = fleetFill(fleet);
    const byFill = [...fleet.zones].sort((l, r) => fleet.fillOf(r) - fleet.fillOf(l));
    if (fill > reference.above) return { kind: 'scale-out', zones: one(byFill[0]!), type };
    const spare = byFill.filter((zone) => fleet.nodes.filter((n) => n.zone === zone).length > 1);
    const lowest = spare.at(-1);
    if (fill >= reference.below || lowest === undefined) return { kind: 'hold' };
    return { kind: 'scale-in', node: emptiestOf(fleet, lowest)!.id };
  },
});

const one = (zone: Zone): Record<Zone, number> => ({ [zone]: 1 });

function fleetFill({ nodes }: ModelFleet): number {
  const used = nodes.reduce((sum, node) => sum + node.used, 0);
  const capacity = nodes.reduce((sum, node) => sum + node.capacity, 0);
  return used / capacity;
}

export interface OurRulePolicy extends ScalePolicy {
  readonly historyEveryMs: number;
}

/** The watch's tick. */
const tickMs = 60_000;

/** The decision that the autoscaler makes, with its marks, its cooldowns and its own recorded history. */
export class OurRule implements ReplayRule {
  readonly everyMs = tickMs;
  readonly #policy: OurRulePolicy;
  readonly #samples = new Map<Zone, UseSample[]>();
  readonly #forecasts = new Map<Zone, { hour: number; forecast: Outlook['forecast'] }>();
  #marks: MarkTimes = {};
  #last: Pick<ScaleHistory, 'lastScaleOut' | 'lastScaleIn' | 'lastJoin'> = {};
  #nodesKnown = 0;

  constructor(policy: OurRulePolicy) {
    this.#policy = policy;
  }

  step(fleet: ModelFleet, at: number): ReplayStep {
    const now = epochMillis(at);
    const nodes = fleet.nodes.map(asScaleNode);
    this.#marks = markTimes(nodes, this.#policy, this.#marks, now);
    this.#noteJoins(fleet, at);
    const isDue = at % this.#policy.historyEveryMs === 0;
    if (isDue) this.#record(nodes, at);
    const known = { ...this.#marks, ...this.#last, jobsRunning: fleet.jobs };
    const outlooks = () => this.#outlooks(nodes, at);
    const trial = trialOn(fleet, this.#policy);
    let decision = decideScale(
      nodes,
      this.#policy,
      isDue ? { ...known, outlooks: outlooks() } : known,
      now,
      trial,
    );
    if (decision.kind === 'scale-in' && !isDue) {
      decision = decideScale(nodes, this.#policy, { ...known, outlooks: outlooks() }, now, trial);
    }
    if (decision.kind === 'hold') return decision;
    const field = decision.kind === 'scale-out' ? 'lastScaleOut' : 'lastScaleIn';
    this.#last = { ...this.#last, [field]: now };
    if (decision.kind === 'scale-in') return decision;
    return { ...decision, type: typeNamed(this.#policy, decision.type) };
  }

  #noteJoins({ nodes }: ModelFleet, at: number): void {
    const active = nodes.filter(({ state }) => state === 'active').length;
    if (active > this.#nodesKnown) this.#last = { ...this.#last, lastJoin: epochMillis(at) };
    this.#nodesKnown = active;
  }

  #record(nodes: readonly ScaleNode[], at: number): void {
    for (const { zone, usedBytes } of zoneUses(nodes)) {
      const before = this.#samples.get(zone) ?? [];
      const from = before.findIndex((each) => each.at > at - forecastHoursMax * hourMs);
      this.#samples.set(zone, [...before.slice(Math.max(0, from)), { at, usedBytes }]);
    }
  }

  /** A forecast is of whole hours: within one it stays the same. */
  #outlooks(nodes: readonly ScaleNode[], at: number): ReadonlyMap<Zone, Outlook> {
    const hour = Math.floor(at / hourMs);
    return new Map(
      zoneUses(nodes).map(({ zone, usedBytes }) => {
        const samples = this.#samples.get(zone) ?? [];
        const known = this.#forecasts.get(zone);
        const forecast = known?.hour === hour ? known.forecast : fitForecast(samples, at);
        this.#forecasts.set(zone, { hour, forecast });
        const recent = [...samples.slice(-20), { at, usedBytes }];
        return [zone, { forecast, risingBytesPerHour: risingBytesPerHour(recent, at) }];
      }),
    );
  }
}

const asScaleNode = ({
  id,
  zone,
  capacity,
  used,
  state,
}: ModelFleet['nodes'][number]): ScaleNode => ({
  ...{ id, zone, state, healthy: true },
  capacity: bytes(capacity),
  used: bytes(used),
});

/** The model keeps copies in their zone and level: the others must stay below the high mark. */
const trialOn =
  ({ nodes }: ModelFleet, { fillHigh }: ScalePolicy) =>
  (leaving: ScaleNode['id']): TrialOutcome => {
    const { zone, used: bytesMoved } = nodes.find(({ id }) => id === leaving)!;
    const cost = { bytesMoved, crossZoneBytes: 0, moves: 0 };
    const stay = nodes.filter((node) => node.zone === zone && node.id !== leaving);
    const capacity = stay.reduce((sum, node) => sum + node.capacity, 0);
    const fill = (stay.reduce((sum, node) => sum + node.used, 0) + bytesMoved) / capacity;
    if (fill < fillHigh) return { reasons: [], ...cost };
    const full = {
      kind: 'node-would-be-full',
      leaving,
      node: stay[0]!.id,
      fill,
      fillHigh,
    } as const;
    return { reasons: [full], ...cost };
  };

/** The type that a fleet under this policy begins with, and the only one that the reference knows. */
export const firstType = (policy: ScalePolicy): NodeType => nodeTypesOf(policy)[0]!;
