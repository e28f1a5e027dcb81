import { abandon } from './collect.ts';
import type { Op, Ports, Refusal } from './ports.ts';
import type { PlacedChunk } from './store.ts';

/** A holder stopped taking copies between placing and committing: nothing was committed, store again. */
export class HolderLeft extends Error {
  override readonly name = 'HolderLeft';
}

/** Nothing was committed, so the copies go again: the caller stores under new chunk ids. */
export async function failIfHolderLeft(
  ports: Ports,
  chunks: readonly PlacedChunk[],
  ops: readonly Op[],
  refusals: readonly Refusal[],
): Promise<void> {
  const guard = refusals.map(({ op }) => ops[op]!).find(({ op }) => op === 'check');
  if (guard === undefined) return;
  await abandon(ports, chunks);
  throw new HolderLeft(`${guard.key.pk.slice(2)} takes no copies any more: store again`);
}
