import type { Live } from './connection.ts';
import type { Opened } from './dialogs.tsx';
import { clock } from './words.ts';

interface HeaderProps {
  readonly live: Live;
  readonly open: (opened: Opened) => void;
}

export const Header = ({ live, open }: HeaderProps) => (
  <header>
    <img src="/icon.svg" alt="" width="28" height="28" />
    <h1>
      Ballast <span class="fleet">{live.fleet}</span>
    </h1>
    <Link live={live} />
    <Explain open={open} />
    <nav aria-label="Steer the fleet">
      <button type="button" onClick={() => open({ kind: 'rebalance' })}>
        Rebalance
      </button>
      <button type="button" onClick={() => open({ kind: 'scale-in' })}>
        Scale in
      </button>
      <button type="button" class="primary" onClick={() => open({ kind: 'scale-out' })}>
        Scale out
      </button>
    </nav>
  </header>
);

const linkWords = { connecting: 'connecting', open: 'live', lost: 'link lost', locked: 'locked' };

function Link({ live: { link, failed, reading } }: Pick<HeaderProps, 'live'>) {
  const state = link === 'open' && failed !== undefined ? 'lost' : link;
  const words = link === 'open' && failed !== undefined ? 'store silent' : linkWords[link];
  return (
    <span class={`link ${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      {words}
      {reading !== undefined && <time class="numbers">{clock(reading.at)}</time>}
    </span>
  );
}

function Explain({ open }: Pick<HeaderProps, 'open'>) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const id = String(new FormData(form).get('id')).trim();
    if (id !== '') open({ kind: 'explain', id });
  };
  return (
    <search class="explain">
      <form onSubmit={submit}>
        <input
          name="id"
          type="search"
          placeholder="Explain a node, job, chunk or path"
          aria-label="Explain a node, job, chunk or path"
          autocomplete="off"
          spellcheck={false}
        />
      </form>
    </search>
  );
}
