import { Dialog } from './dialog.tsx';
import type { Stage } from './dialogs.tsx';
import { Refusal } from './refusal.tsx';
import { useAsked } from './use-asked.ts';

/** What a thing is, where, and why, in the command line's words. */
export function ExplainDialog({ id, ask, open, reading }: Stage & { readonly id: string }) {
  const ended = reading.ended.find((job) => job.id === id);
  const retry = ended !== undefined && ended.state !== 'done' && (
    <button type="button" class="primary" onClick={() => open({ kind: 'retry', job: id })}>
      Retry …
    </button>
  );
  return (
    <Dialog title={id} close={() => open(undefined)} actions={retry || null}>
      <Explained ask={ask} id={id} />
    </Dialog>
  );
}

export function Explained({ id, ask }: Pick<Stage, 'ask'> & { readonly id: string }) {
  const asked = useAsked(ask, 'explain', { id });
  if (asked.state === 'waiting') return <p class="muted">Looking …</p>;
  if (asked.state === 'refused') return <Refusal refused={asked.refused} />;
  return <pre class="explained">{asked.answer.text}</pre>;
}
