import type { ComponentChildren } from 'preact';
import type { Reading, Sample } from '../live.ts';
import { FillBar } from './fill-bar.tsx';
import { Sparkline } from './sparkline.tsx';
import { formatBytes, formatShare, milliseconds, plural, rate, share } from './words.ts';

interface TilesProps {
  readonly reading: Reading;
  readonly history: readonly Sample[];
}

export function Tiles({ reading: { status, policy, batches }, history }: TilesProps) {
  const { usedBytes, capacityBytes, rates } = status;
  const fill = share(usedBytes, capacityBytes);
  const moving = batches.reduce((sum, { moves, movesDone }) => sum + moves - movesDone, 0);
  return (
    <section class="tiles" aria-label="At a glance">
      <Tile
        name="Capacity"
        value={formatShare(fill)}
        note={`${formatBytes(usedBytes)} of ${formatBytes(capacityBytes)}`}
      >
        <FillBar fill={fill} policy={policy} />
      </Tile>
      <Tile
        name="Moves"
        value={rate(rates.moves)}
        note={moving > 0 ? `${plural(moving, 'slot')} in flight` : 'nothing moves'}
      >
        <Sparkline history={history} of={({ moves }) => moves} tone="move" />
      </Tile>
      <Tile
        name="Clients"
        value={rate(rates.clientsIn + rates.clientsOut)}
        note={`in ${rate(rates.clientsIn)} · out ${rate(rates.clientsOut)}`}
      >
        <Sparkline
          history={history}
          of={({ clientsIn, clientsOut }) => clientsIn + clientsOut}
          tone="client"
        />
      </Tile>
      <Tile
        name="Latency p99"
        value={milliseconds(status.p99Ms)}
        note={`slowest node · ${plural(status.connections, 'connection')}`}
      >
        <Sparkline history={history} of={({ p99Ms }) => p99Ms ?? 0} tone="latency" />
      </Tile>
    </section>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly note: string;
  readonly children: ComponentChildren;
}

const Tile = ({ name, value, note, children }: TileProps) => (
  <article class="tile">
    <h2>{name}</h2>
    <p class="value numbers">{value}</p>
    <div class="figure">{children}</div>
    <p class="note numbers">{note}</p>
  </article>
);
