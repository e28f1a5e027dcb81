import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface DialogProps {
  readonly title: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
  /** Buttons, the one that acts last. */
  readonly actions: ComponentChildren;
}

/** A modal of the browser's own: it keeps the focus inside, and Escape closes it. */
export function Dialog({ title, close, children, actions }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current!.showModal(), []);
  return (
    <dialog ref={element} aria-labelledby="dialog-title" onClose={close}>
      <h2 id="dialog-title" class="dialog-title">
        {title}
      </h2>
      <div class="dialog-body">{children}</div>
      <div class="actions">
        <button type="button" onClick={close}>
          Close
        </button>
        {actions}
      </div>
    </dialog>
  );
}
