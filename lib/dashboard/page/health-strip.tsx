import type { Reading } from '../live.ts';
import type { Live } from './connection.ts';
import { plural } from './words.ts';

/** Health first, with its reasons: what is wrong is the first thing that is seen. */
export function HealthStrip({ live }: { readonly live: Live }) {
  const { reading, failed, link } = live;
  if (link === 'lost') {
    return (
      <Strip
        tone="bad"
        word="Link lost"
        reasons={['The page’s server does not answer; it is tried again each second.']}
      />
    );
  }
  if (failed !== undefined)
    return <Strip tone="bad" word="No reading" reasons={[failed.sentence]} />;
  if (reading === undefined)
    return <Strip tone="quiet" word="Reading" reasons={['The first reading is under way.']} />;
  const { state, reasons } = reading.status.health;
  if (state === 'ok') return <Strip tone="ok" word="Healthy" reasons={[wellOf(reading)]} />;
  return (
    <Strip
      tone={state === 'empty' ? 'quiet' : 'warn'}
      word={state === 'empty' ? 'Empty' : 'Degraded'}
      reasons={reasons}
    />
  );
}

function wellOf({ status }: Reading): string {
  const active = status.nodesByState.active ?? 0;
  const others = Object.entries(status.nodesByState)
    .filter(([state]) => state !== 'active')
    .map(([state, count]) => `, ${count} ${state}`);
  return `${active} of ${plural(status.nodes, 'node')} active${others.join('')} in ${plural(status.zones.length, 'zone')}; nothing is blocked, silent or full.`;
}

interface StripProps {
  readonly tone: 'ok' | 'warn' | 'bad' | 'quiet';
  readonly word: string;
  readonly reasons: readonly string[];
}

const Strip = ({ tone, word, reasons }: StripProps) => (
  <section class={`health ${tone}`} aria-label="Health" aria-live="polite">
    <strong>{word}</strong>
    <ul>
      {reasons.map((reason) => (
        <li key={reason}>{reason}</li>
      ))}
    </ul>
  </section>
);
