import { useState } from 'preact/hooks';
import { asRefused } from './ask.ts';
import type { Stage } from './dialogs.tsx';

interface ActProps extends Stage {
  readonly verb: string;
  readonly body: object;
  /** What it will do, with its numbers. */
  readonly label: string;
  readonly tone?: 'primary' | 'danger';
  readonly disabled?: boolean;
}

/** Does it once it is pressed, closes the dialog and says what became of it. */
export function ActButton({
  verb,
  body,
  label,
  tone = 'primary',
  disabled,
  ask,
  open,
  tell,
}: ActProps) {
  const [phase, enter] = useState<'ready' | 'acting'>('ready');
  const act = async () => {
    enter('acting');
    try {
      tell((await ask(verb, body)).text);
    } catch (error) {
      tell(asRefused(error).message);
    }
    open(undefined);
  };
  return (
    <button type="button" class={tone} disabled={disabled || phase === 'acting'} onClick={act}>
      {phase === 'acting' ? 'Asking …' : label}
    </button>
  );
}
