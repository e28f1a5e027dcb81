import type { Hello, LiveEvent, ReadFailed, Reading, Sample } from '../live.ts';

/** What the page knows, and how good its link to the server is. */
export interface Live {
  readonly link: 'connecting' | 'open' | 'lost' | 'locked';
  readonly fleet: string;
  readonly history: readonly Sample[];
  readonly reading: Reading | undefined;
  /** The last reading failed; `reading` is the one before. */
  readonly failed: ReadFailed | undefined;
}

export const nothingYet: Live = {
  link: 'connecting',
  fleet: '',
  history: [],
  reading: undefined,
  failed: undefined,
};

type Change = (live: Live) => Live;

const samplesKept = 900;
const retryMs = 1_000;

/** Follows the server as long as the page is visible. @returns how to stop */
export function follow(key: string, change: (change: Change) => void): () => void {
  let link: AbortController | undefined;
  const settle = () => {
    link?.abort();
    link = document.hidden ? undefined : new AbortController();
    if (link !== undefined) void followUntil(link.signal, key, change);
  };
  document.addEventListener('visibilitychange', settle);
  settle();
  return () => {
    document.removeEventListener('visibilitychange', settle);
    link?.abort();
  };
}

async function followUntil(
  signal: AbortSignal,
  key: string,
  change: (change: Change) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch('/api/live', {
        headers: { authorization: `Bearer ${key}` },
        signal,
      });
      if (response.status === 401) return change((live) => ({ ...live, link: 'locked' }));
      for await (const event of eventsOf(response)) change((live) => after(live, event));
    } catch {
      // the server is gone or the page is hidden: the link says so, and it is tried again
    }
    if (signal.aborted) return;
    change((live) => ({ ...live, link: 'lost' }));
    await new Promise((done) => setTimeout(done, retryMs));
  }
}

async function* eventsOf({ body, ok }: Response): AsyncGenerator<LiveEvent> {
  if (!ok || body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line) as LiveEvent;
  }
}

function after(live: Live, event: LiveEvent): Live {
  switch (event.kind) {
    case 'hello':
      return greeted(live, event);
    case 'failed':
      return { ...live, link: 'open', failed: event };
    case 'reading':
      return {
        ...live,
        link: 'open',
        reading: event,
        failed: undefined,
        history: [...live.history, event.sample].slice(-samplesKept),
      };
  }
}

const greeted = (live: Live, { fleet, history }: Hello): Live => ({
  ...live,
  link: 'open',
  fleet,
  history: history.at(-1)?.at === live.history.at(-1)?.at ? live.history : history,
});
