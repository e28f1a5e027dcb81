import { useEffect } from 'preact/hooks';

const shownMs = 8_000;

/** What became of the last verb, for a while; screen readers say it. */
export function Toast({ text, clear }: { readonly text: string; readonly clear: () => void }) {
  useEffect(() => {
    if (text === '') return undefined;
    const timer = setTimeout(clear, shownMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <div class="toast" role="status" aria-live="polite" hidden={text === ''}>
      {text}
    </div>
  );
}
