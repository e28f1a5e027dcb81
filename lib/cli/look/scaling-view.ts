import { scalingKey } from '../../contract/keys.ts';
import { ScalingRecord } from '../../contract/records.ts';
import type { Tables } from '../../control/ports.ts';

/** What the autoscaler decided last, and why. */
export interface ScalingView {
  /** `scale-out`, `scale-in` or `hold`. */
  readonly decision: string;
  /** Each with its numbers; the first says what called. */
  readonly reasons: readonly string[];
  readonly decidedAt: string;
  readonly ageMs: number;
  /** The last job that it started; empty when it never has. */
  readonly job: string;
}

/** Null before the first decision. */
export async function readScaling(tables: Tables, now: number): Promise<ScalingView | null> {
  const [item] = await tables.get([scalingKey]);
  if (item === undefined) return null;
  const { decision, reasons, decidedAt, job } = ScalingRecord.parse(item);
  const ageMs = Math.max(0, now - decidedAt);
  return { decision, reasons, decidedAt: new Date(decidedAt).toISOString(), ageMs, job };
}
