import type { Reading } from '../live.ts';
import { ago } from './words.ts';

/** The autoscaler's last decision, with every reason that it gave. */
export function Scaling({ reading }: { readonly reading: Reading }) {
  const { scaling } = reading.status;
  const { policy } = reading;
  return (
    <section class="panel" aria-labelledby="scaling-title">
      <div class="panel-head">
        <h2 id="scaling-title">Autoscaling</h2>
        <span class={`chip ${policy.autoscaling ? 'ok' : 'warn'}`}>
          {policy.autoscaling ? 'on' : 'off'}
        </span>
      </div>
      {scaling === null ? (
        <p class="empty">No decision yet.</p>
      ) : (
        <>
          <p class="decision">
            <strong>{scaling.decision}</strong>{' '}
            <span class="muted numbers">{ago(reading.at - Date.parse(scaling.decidedAt))}</span>
          </p>
          <ul class="reasons">
            {scaling.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </>
      )}
      <p class="muted">
        {policy.nodesMin} to {policy.nodesMax} nodes, at most {policy.nodesStepMax} more at a time.
      </p>
    </section>
  );
}
