import { useState } from 'preact/hooks';
import { ActButton } from './act-button.tsx';
import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { PlanFigures, type PlanInView } from './plan-figures.tsx';
import { Refusal } from './refusal.tsx';
import { useAsked } from './use-asked.ts';
import { formatBytes } from './words.ts';

/** As the browser's field has it, in the reader's own time; empty for none. */
const isoOf = (typed: string): string | undefined =>
  Number.isNaN(Date.parse(typed)) ? undefined : new Date(typed).toISOString();

/** The plan first: what would move and where it would go, or what stands against it. */
export function DrainDialog({ nodes, ...stage }: Stage & { readonly nodes: readonly string[] }) {
  const [typed, type] = useState('');
  const deadline = isoOf(typed);
  const body = { nodes, ...(deadline !== undefined && { deadline }) };
  const asked = useAsked<PlanInView>(stage.ask, 'preview-drain', body);
  const plan = asked.state === 'answered' ? asked.answer.document : undefined;
  const label =
    plan === undefined ? 'Drain' : `Drain: move ${formatBytes(plan.bytesTotal)}, then terminate`;
  return (
    <Dialog
      title={`Drain ${nodes.join(', ')}`}
      close={() => stage.open(undefined)}
      actions={
        <ActButton
          {...stage}
          verb="drain"
          body={body}
          label={label}
          disabled={plan === undefined}
        />
      }
    >
      <Others nodes={nodes} {...stage} />
      <label class="deadline">
        Empty by (optional)
        <input
          type="datetime-local"
          value={typed}
          onInput={({ currentTarget }) => type(currentTarget.value)}
        />
      </label>
      {asked.state === 'waiting' && <p class="muted">Planning …</p>}
      {asked.state === 'refused' && <Refusal refused={asked.refused} nodes={nodes} />}
      {plan !== undefined && (
        <PlanFigures plan={plan} policy={stage.reading.policy} leaving={nodes} />
      )}
    </Dialog>
  );
}

interface OthersProps extends Stage {
  readonly nodes: readonly string[];
}

/** Nodes that leave together are planned together: nothing moves onto one that leaves too. */
function Others({ nodes, reading, open }: OthersProps) {
  const toggle = (name: string) => {
    const others = nodes.filter((node) => node !== name);
    const next = others.length < nodes.length ? others : [...nodes, name];
    if (next.length > 0) open({ kind: 'drain', nodes: next });
  };
  const active = reading.nodes.filter(
    ({ node, state }) => state === 'active' || nodes.includes(node),
  );
  return (
    <fieldset class="choices">
      <legend>Leaving together</legend>
      {active.map(({ node }) => (
        <button
          type="button"
          key={node}
          class="choice"
          aria-pressed={nodes.includes(node)}
          onClick={() => toggle(node)}
        >
          {node}
        </button>
      ))}
    </fieldset>
  );
}
