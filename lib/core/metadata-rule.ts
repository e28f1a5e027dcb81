import type { Redundancy } from './fleet.ts';

/** Copies of metadata, however little its data may survive. */
const copiesMin = 3;

/** Whole copies of what names chunks of these rules: as many nodes may be lost as any of them outlives. */
export const metadataRule = (rules: readonly Redundancy[]): Redundancy => ({
  kind: 'replicated',
  copies: rules.reduce((copies, rule) => Math.max(copies, lossesOutlived(rule) + 1), copiesMin),
});

const lossesOutlived = (rule: Redundancy): number =>
  rule.kind === 'erasure' ? rule.parity : rule.copies - 1;
