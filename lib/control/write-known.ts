import { type Op, OutcomeUnknown, type Refusal, type Tables } from './ports.ts';

/** Tries before an unknown outcome is passed on: the adapter has backed off before each already. */
const triesMax = 4;

/**
 * Writes, and finds out what became of it. A lost answer and the retry after it show our own write as a
 * failed condition: the item's `lastOp` tells. At least one op writes an item with `lastOp: operation`.
 *
 * @returns `committed`, or the refusals of a write that surely did not happen
 * @throws OutcomeUnknown when it stays unknown: never delete and never acknowledge on it
 */
export async function writeKnown(
  tables: Tables,
  ops: readonly Op[],
  operation: string,
): Promise<'committed' | readonly Refusal[]> {
  for (let tried = 1; ; tried++) {
    try {
      const result = await tables.write(ops, operation);
      if (result.kind === 'committed') return 'committed';
      const ours = result.refusals.some(({ current }) => current?.lastOp === operation);
      return ours ? 'committed' : result.refusals;
    } catch (error) {
      if (!(error instanceof OutcomeUnknown) || tried === triesMax) throw error;
    }
  }
}
