import { useState } from 'preact/hooks';
import { ActButton } from './act-button.tsx';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { Refusal } from './refusal.tsx';
import { useAsked } from './use-asked.ts';
import { formatBytes, formatShare, plural, share } from './words.ts';

interface Launch {
  readonly launch: Readonly<Record<string, number>>;
}

export function ScaleOutDialog(stage: Stage) {
  const [count, setCount] = useState(1);
  const asked = useAsked<Launch>(stage.ask, 'preview-scale-out', { count });
  const isReady = asked.state === 'answered';
  return (
    <Dialog
      title="Scale out"
      close={() => stage.open(undefined)}
      actions={
        <ActButton
          {...stage}
          verb="scale-out"
          body={{ count }}
          label={`Launch ${plural(count, 'node')}`}
          disabled={!isReady}
        />
      }
    >
      <label class="count">
        Nodes to add
        <input
          type="number"
          min={1}
          max={64}
          value={count}
          onInput={({ currentTarget }) =>
            setCount(Math.max(1, Math.min(64, Math.floor(Number(currentTarget.value)) || 1)))
          }
        />
      </label>
      {asked.state === 'refused' && <Refusal refused={asked.refused} />}
      {isReady && <Outlook launch={asked.answer.document.launch} stage={stage} count={count} />}
    </Dialog>
  );
}

interface OutlookProps extends Launch {
  readonly stage: Stage;
  readonly count: number;
}

function Outlook({ launch, stage: { reading }, count }: OutlookProps) {
  const { status, policy } = reading;
  const after = status.capacityBytes + count * policy.nodeCapacityBytes;
  return (
    <>
      <ul class="launch">
        {Object.entries(launch).map(([zone, nodes]) => (
          <li key={zone}>
            {plural(nodes, 'node')} in zone <b>{zone}</b>
          </li>
        ))}
      </ul>
      <p>
        Capacity {formatBytes(status.capacityBytes)} → <b>{formatBytes(after)}</b>, fill{' '}
        {formatShare(share(status.usedBytes, status.capacityBytes))} →{' '}
        <b>{formatShare(share(status.usedBytes, after))}</b>. Once they have joined, a rebalance
        fills them.
      </p>
    </>
  );
}
