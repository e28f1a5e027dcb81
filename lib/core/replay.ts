/** A rule of scaling over a month that was recorded or generated: what it does and what that costs. */

import type { NodeId, Zone } from './ids.ts';
import type { Load } from './load.ts';
import { ModelFleet, type ModelTimes } from './model-fleet.ts';
import { type NodeType, type NodeTypePolicy, nodeTypesOf } from './node-type.ts';
import { paybackOf } from './payback.ts';

export type ReplayStep =
  | { readonly kind: 'hold' }
  | {
      readonly kind: 'scale-out';
      readonly zones: Readonly<Record<Zone, number>>;
      readonly type: NodeType;
    }
  | { readonly kind: 'scale-in'; readonly node: NodeId };

/** A way to decide, that may remember what it saw. */
export interface ReplayRule {
  readonly everyMs: number;
  step(fleet: ModelFleet, now: number): ReplayStep;
}

export interface ReplayPolicy extends NodeTypePolicy {
  readonly fillTarget: number;
  readonly fillHigh: number;
  readonly fillHard: number;
  readonly leadMs: number;
}

export interface ReplayReport {
  readonly scaleOuts: number;
  readonly scaleIns: number;
  readonly nodesAdded: number;
  /** Scale-ins that a scale-out of the same zone undid before they had paid. */
  readonly flaps: number;
  readonly bytesMoved: number;
  readonly nodeHours: number;
  readonly dollars: number;
  readonly hoursOverHigh: number;
  readonly hoursOverHard: number;
  readonly fillMost: number;
  readonly nodesMost: number;
  readonly nodesAtEnd: number;
}

/** The reference design looks every 30 s: the model's clock ticks as often for every rule. */
export const replayTickMs = 30_000;
const msPerHour = 3_600_000;

/** Both rules begin with the same fleet: at the target for what zones hold at first. */
export function replay(
  load: Load,
  rule: ReplayRule,
  policy: ReplayPolicy,
  times: ModelTimes,
): ReplayReport {
  const fleet = foundFleet(load, policy, times);
  const ledger = new Ledger(policy, times);
  for (let now = load.from; now <= load.to; now += replayTickMs) {
    const used = load.zones.map((_, at) => load.usedAt(at, now));
    fleet.pass(now, replayTickMs, used);
    ledger.look(fleet);
    if ((now - load.from) % rule.everyMs !== 0) continue;
    const step = rule.step(fleet, now);
    ledger.note(fleet, step, now);
    if (step.kind === 'scale-out') fleet.scaleOut(step.zones, step.type, now);
    if (step.kind === 'scale-in') fleet.drain(step.node, now);
  }
  return ledger.report(fleet);
}

function foundFleet(load: Load, policy: ReplayPolicy, times: ModelTimes): ModelFleet {
  const fleet = new ModelFleet(load.zones, times);
  const [type] = nodeTypesOf(policy);
  for (const [at, zone] of load.zones.entries()) {
    const wanted = load.usedAt(at, load.from) / policy.fillTarget / type!.capacityBytes;
    for (let i = 0; i < Math.max(1, Math.ceil(wanted)); i++) fleet.launch(zone, type!, load.from);
  }
  return fleet;
}

interface ScaledIn {
  readonly zone: Zone;
  readonly paidAt: number;
}

/** Keeps account of what a rule did. */
class Ledger {
  readonly #policy: ReplayPolicy;
  readonly #times: ModelTimes;
  #open: ScaledIn[] = [];
  #counts = { scaleOuts: 0, scaleIns: 0, nodesAdded: 0, flaps: 0 };
  #over = { hoursOverHigh: 0, hoursOverHard: 0, fillMost: 0, nodesMost: 0 };

  constructor(policy: ReplayPolicy, times: ModelTimes) {
    this.#policy = policy;
    this.#times = times;
  }

  look(fleet: ModelFleet): void {
    const fill = Math.max(...fleet.zones.map((zone) => fleet.fillOf(zone)));
    const over = this.#over;
    const hours = replayTickMs / msPerHour;
    if (fill > this.#policy.fillHigh) over.hoursOverHigh += hours;
    if (fill > this.#policy.fillHard) over.hoursOverHard += hours;
    over.fillMost = Math.max(over.fillMost, fill);
    over.nodesMost = Math.max(over.nodesMost, fleet.nodes.length);
  }

  note(fleet: ModelFleet, step: ReplayStep, now: number): void {
    const counts = this.#counts;
    if (step.kind === 'scale-in') {
      counts.scaleIns++;
      const node = fleet.nodes.find(({ id }) => id === step.node)!;
      const { paybackHours } = paybackOf({
        ...{ dollarsPerHour: node.dollarsPerHour, bytesMoved: node.used, crossZoneBytes: 0 },
        ...{ moves: 0, rateBytes: this.#times.nodeRateBytes, leadMs: this.#policy.leadMs },
      });
      this.#open.push({ zone: node.zone, paidAt: now + paybackHours * msPerHour });
    }
    if (step.kind === 'scale-out') {
      counts.scaleOuts++;
      for (const [zone, count] of Object.entries<number>(step.zones)) {
        counts.nodesAdded += count;
        const undone = this.#open.filter((each) => each.zone === zone && each.paidAt > now);
        counts.flaps += Math.min(count, undone.length);
        this.#open = this.#open.filter((each) => each.zone !== zone);
      }
    }
  }

  report({ bytesMoved, nodeHours, dollars, nodes }: ModelFleet): ReplayReport {
    const account = { ...this.#counts, ...this.#over, bytesMoved, nodeHours, dollars };
    return { ...account, nodesAtEnd: nodes.length };
  }
}
