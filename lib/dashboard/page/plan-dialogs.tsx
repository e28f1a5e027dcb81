import type { PlanView } from '../../cli/steer/plan-view.ts';
import { ActButton } from './act-button.tsx';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { PlanFigures } from './plan-figures.tsx';
import { Refusal } from './refusal.tsx';
import { type Asked, useAsked } from './use-asked.ts';
import { formatBytes } from './words.ts';

export function RebalanceDialog(stage: Stage) {
  const asked = useAsked<PlanView>(stage.ask, 'preview-rebalance');
  const plan = asked.state === 'answered' ? asked.answer.document : undefined;
  const isLevel = plan?.movesTotal === 0;
  const label =
    plan === undefined || isLevel ? 'Rebalance' : `Rebalance: move ${formatBytes(plan.bytesTotal)}`;
  return (
    <Dialog
      title="Rebalance the fleet"
      close={() => stage.open(undefined)}
      actions={
        <ActButton
          {...stage}
          verb="rebalance"
          body={{}}
          label={label}
          disabled={plan === undefined || isLevel}
        />
      }
    >
      {isLevel ? (
        <p>Every node is within the band: nothing to move.</p>
      ) : (
        <Planned asked={asked} stage={stage} leaving={[]} />
      )}
    </Dialog>
  );
}

type DrainPlan = PlanView & { readonly nodes: readonly string[] };

/** What is shown is what is done: it drains the node that the preview chose. */
export function ScaleInDialog(stage: Stage) {
  const asked = useAsked<DrainPlan>(stage.ask, 'preview-scale-in');
  const plan = asked.state === 'answered' ? asked.answer.document : undefined;
  const nodes = plan?.nodes ?? [];
  const label =
    plan === undefined
      ? 'Scale in'
      : `Drain ${nodes.join(', ')}: move ${formatBytes(plan.bytesTotal)}`;
  return (
    <Dialog
      title="Scale in"
      close={() => stage.open(undefined)}
      actions={
        <ActButton
          {...stage}
          verb="drain"
          body={{ nodes }}
          label={label}
          disabled={plan === undefined}
        />
      }
    >
      {plan !== undefined && (
        <p>The node that can leave at the least cost is {nodes.join(', ')}.</p>
      )}
      <Planned asked={asked} stage={stage} leaving={nodes} />
    </Dialog>
  );
}

interface PlannedProps {
  readonly asked: Asked<PlanView>;
  readonly stage: Stage;
  readonly leaving: readonly string[];
}

function Planned({ asked, stage, leaving }: PlannedProps) {
  if (asked.state === 'waiting') return <p class="muted">Planning …</p>;
  if (asked.state === 'refused') return <Refusal refused={asked.refused} />;
  return (
    <PlanFigures plan={asked.answer.document} policy={stage.reading.policy} leaving={leaving} />
  );
}
