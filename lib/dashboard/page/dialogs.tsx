import type { Reading } from '../live.ts';
import type { Ask } from './ask.ts';
import { CancelDialog, UndrainDialog } from './confirmations.tsx';
import { DrainDialog } from './drain-dialog.tsx';
import { ExplainDialog } from './explain-dialog.tsx';
import { CancelBatchDialog, PauseDialog, ResumeDialog, RetryDialog } from './hold-dialogs.tsx';
import { NodeDialog } from './node-dialog.tsx';
import { RebalanceDialog, ScaleInDialog } from './plan-dialogs.tsx';
import { ScaleOutDialog } from './scale-out-dialog.tsx';

/** Which dialog is open, about what. */
export type Opened =
  | { readonly kind: 'node'; readonly node: string }
  | { readonly kind: 'explain'; readonly id: string }
  | { readonly kind: 'drain'; readonly nodes: readonly string[] }
  | { readonly kind: 'undrain'; readonly node: string }
  | { readonly kind: 'cancel' | 'pause' | 'resume' | 'retry'; readonly job: string }
  | { readonly kind: 'cancel-batch'; readonly batch: string }
  | { readonly kind: 'rebalance' }
  | { readonly kind: 'scale-out' }
  | { readonly kind: 'scale-in' };

/** What every dialog may use. */
export interface Stage {
  readonly reading: Reading;
  readonly ask: Ask;
  /** Opens another, or closes this one. */
  readonly open: (opened: Opened | undefined) => void;
  /** Says what became of it once the dialog is gone. */
  readonly tell: (text: string) => void;
}

export function DialogOf({ opened, ...stage }: Stage & { readonly opened: Opened }) {
  switch (opened.kind) {
    case 'node':
      return <NodeDialog {...stage} name={opened.node} />;
    case 'explain':
      return <ExplainDialog {...stage} id={opened.id} />;
    case 'drain':
      return <DrainDialog {...stage} nodes={opened.nodes} />;
    case 'undrain':
      return <UndrainDialog {...stage} name={opened.node} />;
    case 'cancel':
      return <CancelDialog {...stage} id={opened.job} />;
    case 'cancel-batch':
      return <CancelBatchDialog {...stage} name={opened.batch} />;
    case 'pause':
      return <PauseDialog {...stage} id={opened.job} />;
    case 'resume':
      return <ResumeDialog {...stage} id={opened.job} />;
    case 'retry':
      return <RetryDialog {...stage} id={opened.job} />;
    case 'rebalance':
      return <RebalanceDialog {...stage} />;
    case 'scale-out':
      return <ScaleOutDialog {...stage} />;
    case 'scale-in':
      return <ScaleInDialog {...stage} />;
  }
}
