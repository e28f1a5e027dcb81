import type { EstimateInView } from '../../cli/steer/drain.ts';
import type { FillView, PlanView } from '../../cli/steer/plan-view.ts';
import type { Reading } from '../live.ts';
import { toneOf } from './fill-bar.tsx';
import { formatBytes, formatDuration, formatShare, plural, share } from './words.ts';

/** A plan, and how long it takes where that was estimated. */
export type PlanInView = PlanView & Partial<EstimateInView>;

interface PlanProps {
  readonly plan: PlanInView;
  readonly policy: Reading['policy'];
  readonly leaving: readonly string[];
}

/** What a plan costs, and every node before and after it. */
export const PlanFigures = ({ plan, policy, leaving }: PlanProps) => (
  <>
    <dl class="sums numbers">
      <div>
        <dt>moves</dt>
        <dd>{plural(plan.movesTotal, 'slot')}</dd>
      </div>
      <div>
        <dt>bytes</dt>
        <dd>{formatBytes(plan.bytesTotal)}</dd>
      </div>
      <div>
        <dt>no plan could move less than</dt>
        <dd>{formatBytes(plan.bytesMinimum)}</dd>
      </div>
      <div>
        <dt>takes at least</dt>
        <dd>{formatDuration(plan.secondsAtBest * 1_000)}</dd>
      </div>
      <Expected {...plan} />
    </dl>
    <table class="before-after numbers">
      <caption>Fill before and after</caption>
      <tbody>
        {plan.fill.map((fill) => (
          <Change
            key={fill.node}
            fill={fill}
            policy={policy}
            leaves={leaving.includes(fill.node)}
          />
        ))}
      </tbody>
    </table>
  </>
);

const Expected = ({ p50Ms, p90Ms, learnedFrom }: PlanInView) =>
  p50Ms === undefined || p90Ms === undefined ? null : (
    <div title={`learned from ${plural(learnedFrom ?? 0, 'job')}`}>
      <dt>takes about, nine times in ten at most</dt>
      <dd>
        {formatDuration(p50Ms)}, {formatDuration(p90Ms)}
      </dd>
    </div>
  );

interface ChangeProps {
  readonly fill: FillView;
  readonly policy: PlanProps['policy'];
  readonly leaves: boolean;
}

function Change({ fill, policy, leaves }: ChangeProps) {
  const before = share(fill.beforeBytes, fill.capacityBytes);
  const after = share(fill.afterBytes, fill.capacityBytes);
  const difference = fill.afterBytes - fill.beforeBytes;
  return (
    <tr class={difference === 0 ? 'same' : ''}>
      <th scope="row">
        {fill.node} <span class="muted">{fill.zone}</span>
      </th>
      <td class="bars">
        <span class={`bar ${toneOf(after, policy)}`}>
          <span class="was" style={{ width: `${Math.min(100, before * 100)}%` }} />
          <span class="will" style={{ width: `${Math.min(100, after * 100)}%` }} />
        </span>
      </td>
      <td class="right">
        {formatShare(before)} → <b>{leaves ? 'leaves' : formatShare(after)}</b>
      </td>
      <td class="right muted">
        {difference === 0
          ? ''
          : `${difference > 0 ? '+' : '−'}${formatBytes(Math.abs(difference))}`}
      </td>
    </tr>
  );
}
