import { explainBlock } from './explain-block.ts';
import type { NodeId, Zone } from './ids.ts';
import type { Block } from './plan.ts';
import { formatBytes } from './units.ts';

/** Why a fleet grows, shrinks or holds, with the numbers that said so. Fills are shares of 1. */
export type ScaleReason =
  | {
      readonly kind: 'zone-above-mark';
      readonly zone: Zone;
      readonly fill: number;
      readonly fillHigh: number;
    }
  | {
      readonly kind: 'zone-below-mark';
      readonly zone: Zone;
      readonly fill: number;
      readonly fillLow: number;
    }
  | {
      readonly kind: 'mark-too-short';
      readonly forMs: number;
      readonly neededMs: number;
    }
  | {
      readonly kind: 'zone-will-fill';
      readonly zone: Zone;
      readonly fill: number;
      readonly expectedFill: number;
      readonly withinMs: number;
      readonly fillMark: number;
    }
  | {
      readonly kind: 'fewer-would-do';
      readonly zone: Zone;
      readonly fill: number;
      readonly fillSpare: number;
    }
  | {
      readonly kind: 'forecast-too-full';
      readonly leaving: NodeId;
      readonly zone: Zone;
      readonly expectedFill: number;
      readonly withinMs: number;
      readonly fillSpare: number;
    }
  | {
      readonly kind: 'would-not-pay-back';
      readonly leaving: NodeId;
      readonly costDollars: number;
      readonly dollarsPerHour: number;
      readonly paybackHours: number;
      /** Until the zone may have to grow again: one time in ten it is sooner. */
      readonly sparedHours: number;
    }
  | {
      readonly kind: 'pays-back';
      readonly leaving: NodeId;
      readonly costDollars: number;
      readonly dollarsPerHour: number;
      readonly paybackHours: number;
    }
  | {
      readonly kind: 'between-marks';
      readonly fill: number;
      readonly fillLow: number;
      readonly fillHigh: number;
    }
  | { readonly kind: 'cooling-down'; readonly leftMs: number; readonly cooldownMs: number }
  | { readonly kind: 'at-most-nodes'; readonly nodes: number; readonly nodesMax: number }
  | { readonly kind: 'at-fewest-nodes'; readonly nodes: number; readonly nodesMin: number }
  | {
      readonly kind: 'nodes-lost';
      readonly lost: number;
      readonly left: number;
      readonly nodesMin: number;
    }
  | { readonly kind: 'no-nodes' }
  | {
      readonly kind: 'too-many-unhealthy';
      readonly ill: number;
      readonly of: number;
      readonly unhealthyShareMax: number;
    }
  | { readonly kind: 'repair-runs'; readonly jobs: number }
  | { readonly kind: 'jobs-run'; readonly jobs: number }
  | { readonly kind: 'nodes-arriving'; readonly nodes: number }
  | { readonly kind: 'no-node-to-spare'; readonly candidates: number; readonly fillSpare: number }
  | { readonly kind: 'drain-blocked'; readonly node: NodeId; readonly block: Block }
  | {
      readonly kind: 'node-would-be-full';
      readonly leaving: NodeId;
      readonly node: NodeId;
      readonly fill: number;
      readonly fillHigh: number;
    }
  | {
      readonly kind: 'zone-loss-would-not-fit';
      readonly leaving: NodeId;
      readonly zone: Zone;
      readonly neededBytes: number;
      readonly roomBytes: number;
    };

const seconds = (ms: number): string => `${Math.ceil(ms / 1000)} s`;
const hours = (count: number): string => `${count.toFixed(1)} h`;
const dollars = (amount: number): string => `$${amount.toPrecision(2)}`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The reason as one sentence for people. */
export function explainReason(reason: ScaleReason): string {
  switch (reason.kind) {
    case 'zone-above-mark':
      return `zone ${reason.zone} is ${percent(reason.fill)} full, above ${percent(reason.fillHigh)}`;
    case 'zone-below-mark':
      return `zone ${reason.zone} is ${percent(reason.fill)} full, below ${percent(reason.fillLow)}`;
    case 'mark-too-short':
      return `the mark is passed for ${seconds(reason.forMs)}, ${seconds(reason.neededMs)} are needed`;
    case 'zone-will-fill':
      return (
        `zone ${reason.zone} is ${percent(reason.fill)} full and expected at ` +
        `${percent(reason.expectedFill)} within ${seconds(reason.withinMs)}, above ` +
        percent(reason.fillMark)
      );
    case 'fewer-would-do':
      return (
        `zone ${reason.zone} is ${percent(reason.fill)} full and stays below ` +
        `${percent(reason.fillSpare)} with a node less`
      );
    case 'forecast-too-full':
      return (
        `without ${reason.leaving} zone ${reason.zone} is expected at ` +
        `${percent(reason.expectedFill)} within ${hours(reason.withinMs / 3_600_000)}, above ` +
        percent(reason.fillSpare)
      );
    case 'would-not-pay-back':
      return (
        `${reason.leaving} may be needed again in ${hours(reason.sparedHours)}: letting it go costs ` +
        `${dollars(reason.costDollars)}, which ${hours(reason.paybackHours)} at ` +
        `${dollars(reason.dollarsPerHour)} earn back`
      );
    case 'pays-back':
      return (
        `letting ${reason.leaving} go costs ${dollars(reason.costDollars)}, which ` +
        `${hours(reason.paybackHours)} at ${dollars(reason.dollarsPerHour)} earn back`
      );
    case 'between-marks':
      return (
        `the fullest zone is ${percent(reason.fill)} full, between ${percent(reason.fillLow)} ` +
        `and ${percent(reason.fillHigh)}`
      );
    case 'cooling-down':
      return `${Math.ceil(reason.leftMs / 1000)} s of the cooldown are left`;
    case 'at-most-nodes':
      return `there are ${reason.nodes} nodes, at most ${reason.nodesMax} are allowed`;
    case 'at-fewest-nodes':
      return `there are ${reason.nodes} active nodes, at least ${reason.nodesMin} must stay`;
    case 'nodes-lost':
      return (
        `${reason.lost} ${reason.lost === 1 ? 'node is' : 'nodes are'} lost and ` +
        `${reason.left} ${reason.left === 1 ? 'is' : 'are'} left, at least ${reason.nodesMin} must be there`
      );
    case 'no-nodes':
      return 'there is no node to judge by';
    case 'too-many-unhealthy':
      return (
        `${reason.ill} of ${reason.of} nodes are unhealthy, more than ` +
        `${percent(reason.unhealthyShareMax)}: nothing scales`
      );
    case 'repair-runs':
      return `${reason.jobs} repair${reason.jobs === 1 ? ' is' : 's are'} running`;
    case 'jobs-run':
      return `${reason.jobs} job${reason.jobs === 1 ? ' is' : 's are'} running`;
    case 'nodes-arriving':
      return `${reason.nodes} node${reason.nodes === 1 ? ' is' : 's are'} still joining`;
    case 'no-node-to-spare':
      return `of ${reason.candidates} nodes that fill below ${percent(reason.fillSpare)} could spare, none may go`;
    case 'drain-blocked':
      return `${reason.node} may not go: ${explainBlock(reason.block)}`;
    case 'node-would-be-full':
      return (
        `without ${reason.leaving} node ${reason.node} would be ${percent(reason.fill)} full, ` +
        `above ${percent(reason.fillHigh)}`
      );
    case 'zone-loss-would-not-fit':
      return (
        `without ${reason.leaving} a loss of zone ${reason.zone} would need ` +
        `${formatBytes(reason.neededBytes)} elsewhere, and there is room for ` +
        `${formatBytes(reason.roomBytes)}`
      );
  }
}
