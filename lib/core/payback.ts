/**
 * Whether letting a node go earns more than it costs: the rule against flapping. What it costs is known
 * (bytes across zones, requests, hours in which the node is paid while it empties, and the same again when
 * the fleet must grow back); what it earns is the node's price for the hours until then.
 */

export interface Departure {
  readonly dollarsPerHour: number;
  readonly bytesMoved: number;
  readonly crossZoneBytes: number;
  readonly moves: number;
  /** Bytes a second at which a node empties, or fills. */
  readonly rateBytes: number;
  /** From a decision to grow until the node serves. */
  readonly leadMs: number;
}

export interface Payback {
  readonly costDollars: number;
  readonly dollarsPerHour: number;
  /** Hours without the node that earn the cost back. */
  readonly paybackHours: number;
}

/** $0.01 a GB on each side (list price, us-east-1). */
const crossZoneDollarsPerByte = 0.02 / 1e9;
/** Grouped commits: $2.60 a million moves (docs/decisions/0004). */
const dollarsPerMove = 2.6e-6;
const secondsPerHour = 3_600;
const msPerHour = 3_600_000;

export function paybackOf(departure: Departure): Payback {
  const { dollarsPerHour, bytesMoved, crossZoneBytes, moves, rateBytes, leadMs } = departure;
  const moving = crossZoneBytes * crossZoneDollarsPerByte + moves * dollarsPerMove;
  const hoursMoving = bytesMoved / rateBytes / secondsPerHour;
  const leaving = moving + hoursMoving * dollarsPerHour;
  const comingBack = moving + (hoursMoving + leadMs / msPerHour) * dollarsPerHour;
  const costDollars = leaving + comingBack;
  const paybackHours = dollarsPerHour > 0 ? costDollars / dollarsPerHour : Number.POSITIVE_INFINITY;
  return { costDollars, dollarsPerHour, paybackHours };
}
