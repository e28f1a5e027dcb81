/** Most urgent first. */
export const urgencies = ['critical', 'high', 'normal', 'low'] as const;
export type Urgency = (typeof urgencies)[number];

/**
 * The class in which a job's batches are sent now: what has a deadline goes before what has none, and among
 * the former the earlier first. Only chunks in danger go before that.
 */
export function urgencyUnder(planned: Urgency, deadline: number): Urgency {
  const isLower = urgencies.indexOf(planned) > urgencies.indexOf('high');
  return deadline > 0 && isLower ? 'high' : planned;
}
