import { render } from 'preact';
import { App } from './app.tsx';

/** The address brings the key once; then it is the tab's, and no longer to be read over a shoulder. */
function takeKey(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get('key');
  if (given !== null) {
    sessionStorage.setItem('key', given);
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem('key') ?? '';
}

render(<App pageKey={takeKey()} />, document.getElementById('page')!);
