import { useRef } from 'preact/hooks';
import type { Reading } from '../live.ts';
import type { Opened } from './dialogs.tsx';
import { FillBar, toneOf } from './fill-bar.tsx';
import { FlowLines } from './flow-lines.tsx';
import { formatBytes, formatShare, milliseconds, rate } from './words.ts';

interface MapProps {
  readonly reading: Reading;
  readonly open: (opened: Opened) => void;
}

/** Above so many nodes each is a small tank: a fleet of hundreds still fits a screen. */
const roomyNodesMax = 36;

/** Every node in its zone, as a tank: its level is its fill, and what flows between tanks is what moves. */
export function FleetMap({ reading, open }: MapProps) {
  const canvas = useRef<HTMLDivElement>(null);
  const { nodes, status, policy, batches } = reading;
  const size = nodes.length > roomyNodesMax ? 'dense' : 'roomy';
  return (
    <section class="panel" aria-labelledby="fleet-title">
      <div class="panel-head">
        <h2 id="fleet-title">Fleet</h2>
        <Legend />
      </div>
      {nodes.length === 0 && <p class="empty">No nodes.</p>}
      <div class={`map ${size}`} ref={canvas}>
        {status.zones.map((zone) => (
          <div class="zone" key={zone.zone}>
            <div class="zone-head">
              <h3>{zone.zone}</h3>
              <FillBar fill={zone.fill} policy={policy} />
              <span class="numbers">{formatShare(zone.fill)}</span>
              <span class="muted numbers">
                {zone.nodesActive} of {zone.nodes} active
              </span>
            </div>
            <div class="tanks">
              {nodes
                .filter((node) => node.zone === zone.zone)
                .map((node) => (
                  <Tank key={node.node} node={node} policy={policy} open={open} />
                ))}
            </div>
          </div>
        ))}
        <FlowLines canvas={canvas} batches={batches} />
      </div>
    </section>
  );
}

const Legend = () => (
  <ul class="legend" aria-hidden="true">
    <li class="active">active</li>
    <li class="joining">joining</li>
    <li class="draining">draining</li>
    <li class="dead">dead</li>
    <li class="flow">moves</li>
  </ul>
);

type Node = Reading['nodes'][number];

interface TankProps extends Pick<MapProps, 'open'> {
  readonly node: Node;
  readonly policy: Reading['policy'];
}

function Tank({ node, policy, open }: TankProps) {
  const level = `${Math.min(100, node.fill * 100)}%`;
  return (
    <button
      type="button"
      class={`tank ${node.state} ${toneOf(node.fill, policy)} ${node.diskSuspect ? 'suspect' : ''}`}
      data-node={node.node}
      title={`${node.node}: ${node.state}, ${formatBytes(node.usedBytes)} of ${formatBytes(node.capacityBytes)}`}
      onClick={() => open({ kind: 'node', node: node.node })}
    >
      <span class="water" style={{ height: level }} />
      <span class="mark" style={{ bottom: `${policy.fillHigh * 100}%` }} />
      <span class="name">{node.node}</span>
      <span class="state">
        {node.diskSuspect ? 'disk suspect' : node.state}
        <span class="epoch"> e{node.epoch}</span>
      </span>
      <span class="fill numbers">{formatShare(node.fill)}</span>
      <TankFigures node={node} />
    </button>
  );
}

const TankFigures = ({ node }: { readonly node: Node }) => (
  <span class="figures numbers">
    <span class={node.backgroundIn > 0 ? 'moving' : ''}>↓ {rate(node.backgroundIn)}</span>
    <span class={node.backgroundOut > 0 ? 'moving' : ''}>↑ {rate(node.backgroundOut)}</span>
    <span>p99 {milliseconds(node.p99Ms)}</span>
    <span>{node.connections} conn</span>
  </span>
);
