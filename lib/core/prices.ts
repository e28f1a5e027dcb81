/** Public list prices, us-east-1, in dollars; what they are for: docs/cost.md. */

/** Traffic between two zones: $0.01 a GB where it leaves and $0.01 a GB where it arrives. */
export const dollarsPerCrossZoneByte = (0.01 + 0.01) / 1e9;
