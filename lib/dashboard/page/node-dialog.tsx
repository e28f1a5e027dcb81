import type { Reading } from '../live.ts';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { Explained } from './explain-dialog.tsx';
import { FillBar } from './fill-bar.tsx';
import { ago, formatBytes, formatShare, milliseconds, rate } from './words.ts';

export function NodeDialog({ name, ...stage }: Stage & { readonly name: string }) {
  const { reading, open } = stage;
  const node = reading.nodes.find((each) => each.node === name);
  const close = () => open(undefined);
  if (node === undefined) {
    return (
      <Dialog title={name} close={close} actions={null}>
        <p>The fleet has no node {name} any more.</p>
      </Dialog>
    );
  }
  return (
    <Dialog title={name} close={close} actions={<Verbs node={node} open={open} />}>
      <FillBar fill={node.fill} policy={reading.policy} />
      <dl class="facts numbers">
        {factsOf(node).map(([what, value]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Explained ask={stage.ask} id={name} />
    </Dialog>
  );
}

type Node = Reading['nodes'][number];

const factsOf = (node: Node): readonly (readonly [string, string])[] => [
  ['state', `${node.state}, epoch ${node.epoch}`],
  ['class, zone', `${node.class}, ${node.zone}`],
  ['fill', `${formatShare(node.fill)} of ${formatBytes(node.capacityBytes)}`],
  ['chunks', node.chunks.toLocaleString('en')],
  ['clients', `in ${rate(node.foregroundIn)}, out ${rate(node.foregroundOut)}`],
  ['moves', `in ${rate(node.backgroundIn)}, out ${rate(node.backgroundOut)}`],
  ['latency p99', `${milliseconds(node.p99Ms)}, ${node.connections} connections`],
  ['scrub', `${formatShare(node.scrubShare)} read, ${node.damaged} damaged`],
  ['heartbeat', node.heartbeatAgeMs === null ? 'none yet' : ago(node.heartbeatAgeMs)],
  ['instance', `${node.instance} at ${node.address}`],
];

function Verbs({ node, open }: { readonly node: Node; readonly open: Stage['open'] }) {
  if (node.state === 'draining') {
    return (
      <button
        type="button"
        class="primary"
        onClick={() => open({ kind: 'undrain', node: node.node })}
      >
        Undrain …
      </button>
    );
  }
  if (node.state !== 'active') return null;
  return (
    <button
      type="button"
      class="primary"
      onClick={() => open({ kind: 'drain', nodes: [node.node] })}
    >
      Drain …
    </button>
  );
}
