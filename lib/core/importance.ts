/** What the score of a move is made of. */
export interface Weighed {
  /** 1 to 10. */
  readonly priority: number;
  /** Accesses of its data, as often as its holders told. */
  readonly heat: number;
  readonly bytes: number;
  /** Hours until its deadline, negative when that is over; `undefined` without one. */
  readonly hoursLeft: number | undefined;
}

const bytesPerGb = 1e9;
const gbMax = 100;
const nearHours = 24;

/**
 * How much a move matters (reference design, row 19): 10·priority + 5·access frequency + 0.1·min(GB, 100) +
 * the hours by which its deadline is nearer than 24 h, at most 24.
 */
export function importance({ priority, heat, bytes, hoursLeft }: Weighed): number {
  const nearer = hoursLeft === undefined ? 0 : nearHours - hoursLeft;
  return (
    10 * priority +
    5 * heat +
    0.1 * Math.min(bytes / bytesPerGb, gbMax) +
    Math.min(nearHours, Math.max(0, nearer))
  );
}
