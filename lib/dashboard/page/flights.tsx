import type { Reading } from '../live.ts';
import type { Opened } from './dialogs.tsx';
import { formatBytes, formatDuration, rate, share } from './words.ts';

const rowsMax = 30;
/** Workers give a sign of life each few seconds. */
const silentAfterMs = 10_000;

interface FlightsProps {
  readonly reading: Reading;
  readonly open: (opened: Opened) => void;
}

/** Batches under way: one source, one destination, sent together. */
export function Flights({ reading: { batches }, open }: FlightsProps) {
  const shown = batches.slice(0, rowsMax);
  return (
    <section class="panel" aria-labelledby="flights-title">
      <div class="panel-head">
        <h2 id="flights-title">In flight</h2>
        <span class="muted">
          {batches.length > 0
            ? `${batches.length} ${batches.length === 1 ? 'batch' : 'batches'}`
            : ''}
        </span>
      </div>
      {batches.length === 0 ? (
        <p class="empty">Nothing moves.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th>From</th>
                <th>To</th>
                <th>Queue</th>
                <th class="right">Slots</th>
                <th>Bytes</th>
                <th class="right">Reserved</th>
                <th class="right">Silent</th>
                <th aria-label="steer" />
              </tr>
            </thead>
            <tbody>
              {shown.map((batch) => (
                <Row key={batch.batch} batch={batch} open={open} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {batches.length > rowsMax && <p class="muted">and {batches.length - rowsMax} more</p>}
    </section>
  );
}

interface RowProps extends Pick<FlightsProps, 'open'> {
  readonly batch: Reading['batches'][number];
}

const Row = ({ batch, open }: RowProps) => (
  <tr>
    <td>
      <NodeLink node={batch.from} open={open} />
    </td>
    <td>
      {batch.from === batch.to ? (
        'in place'
      ) : (
        <>
          <span class="arrow">→</span> <NodeLink node={batch.to} open={open} />
        </>
      )}
    </td>
    <td>
      <span class={`chip ${batch.urgency}`}>{batch.urgency}</span>
      {batch.sent > 1 && <span class="chip warn">sent {batch.sent}×</span>}
    </td>
    <td class="right numbers">
      {batch.movesDone}/{batch.moves}
    </td>
    <td class="numbers bytes">
      <progress value={share(batch.bytesDone, batch.bytes)} max={1} aria-label="bytes done" />
      {formatBytes(batch.bytes)}
    </td>
    <td class="right numbers">{rate(batch.rate)}</td>
    <td class={`right numbers ${batch.silentMs > silentAfterMs ? 'warn' : 'muted'}`}>
      {formatDuration(batch.silentMs)}
    </td>
    <td class="right">
      <button
        type="button"
        class="small"
        onClick={() => open({ kind: 'cancel-batch', batch: batch.batch })}
      >
        Cancel
      </button>
    </td>
  </tr>
);

const NodeLink = ({ node, open }: { readonly node: string } & Pick<FlightsProps, 'open'>) => (
  <button type="button" class="plain" onClick={() => open({ kind: 'node', node })}>
    {node}
  </button>
);
