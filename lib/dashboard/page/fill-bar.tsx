import type { Reading } from '../live.ts';

type Marks = Pick<Reading['policy'], 'fillLow' | 'fillTarget' | 'fillHigh' | 'fillHard'>;

/** How full is too full depends on the policy, so colours come from its marks. */
export const toneOf = (
  fill: number,
  { fillHigh, fillHard }: Pick<Marks, 'fillHigh' | 'fillHard'>,
) => (fill >= fillHard ? 'bad' : fill >= fillHigh ? 'warn' : 'ok');

const percent = (share: number): string => `${Math.min(100, Math.max(0, share * 100))}%`;

/** A fill with the policy's marks: below the first the fleet may shrink, above the last it grows. */
export function FillBar({ fill, policy }: { readonly fill: number; readonly policy: Marks }) {
  const { fillLow, fillTarget, fillHigh } = policy;
  const title = `shrinks below ${percent(fillLow)}, aims at ${percent(fillTarget)}, grows above ${percent(fillHigh)}`;
  return (
    <div class={`fillbar ${toneOf(fill, policy)}`} title={title}>
      <span style={{ width: percent(fill) }} />
      {[fillLow, fillTarget, fillHigh].map((mark) => (
        <i class="fillmark" key={mark} style={{ left: percent(mark) }} />
      ))}
    </div>
  );
}
