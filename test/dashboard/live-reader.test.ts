import { describe, expect, test } from 'vitest';
import { TryLater } from '../../lib/control/ports.ts';
import { startRebalance } from '../../lib/control/start-job.ts';
import type { LiveEvent } from '../../lib/dashboard/live.ts';
import { LiveReader } from '../../lib/dashboard/live-reader.ts';
import { World } from '../control/world.ts';

/** A reader over the world whose pauses end when the test says so. */
function started() {
  const world = new World();
  const pauses: { ms: number; end: () => void }[] = [];
  const pause = (ms: number, signal: AbortSignal) =>
    new Promise<void>((end) => {
      pauses.push({ ms, end });
      signal.addEventListener('abort', () => end(), { once: true });
    });
  let queries = 0;
  world.beforeQuery = () => {
    queries += 1;
  };
  const reader = new LiveReader(world.ports, 'fleet', pause);
  return { world, reader, pauses, queries: () => queries };
}

/** The world answers within microtasks. */
const settled = () => new Promise(setImmediate);

function listener() {
  const events: LiveEvent[] = [];
  return { events, hear: (event: LiveEvent) => void events.push(event) };
}

const kinds = (events: readonly LiveEvent[]) => events.map(({ kind }) => kind);

describe('the live reader', () => {
  test('reads nothing while nobody looks, and stops when the last one goes', async () => {
    const { reader, pauses, queries } = started();
    await settled();
    expect(queries()).toBe(0);
    const stop = reader.listen(() => {});
    await settled();
    const afterOne = queries();
    expect(afterOne).toBeGreaterThan(0);
    stop();
    pauses[0]!.end();
    await settled();
    expect(queries()).toBe(afterOne);
  });

  test('reads once for all pages that are open', async () => {
    const { reader, pauses, queries } = started();
    const [one, two] = [listener(), listener()];
    reader.listen(one.hear);
    reader.listen(two.hear);
    await settled();
    const perReading = queries();
    expect([kinds(one.events), kinds(two.events)]).toEqual([
      ['hello', 'reading'],
      ['hello', 'reading'],
    ]);
    pauses.at(-1)!.end();
    await settled();
    expect(queries()).toBe(2 * perReading);
    expect(kinds(two.events)).toEqual(['hello', 'reading', 'reading']);
  });

  test('costs the same however much the fleet holds: no chunk, inventory or file is read', async () => {
    const { world, reader } = started();
    const partitions: string[] = [];
    world.beforeQuery = (pk) => void partitions.push(pk);
    reader.listen(() => {});
    await settled();
    expect(partitions.toSorted()).toEqual(['F', 'I', 'J']);
  });

  test('a page that comes later is given what was seen, at once', async () => {
    const { reader, pauses } = started();
    reader.listen(() => {});
    await settled();
    pauses.at(-1)!.end();
    await settled();
    const late = listener();
    reader.listen(late.hear);
    expect(kinds(late.events)).toEqual(['hello', 'reading']);
    expect(late.events[0]).toMatchObject({ fleet: 'fleet', history: [{}, {}] });
  });

  test('a verb is seen at once', async () => {
    const { world, reader } = started();
    const { events, hear } = listener();
    reader.listen(hear);
    await settled();
    await startRebalance(world.ports, ['asked']);
    reader.refresh();
    await settled();
    expect(events.at(-1)).toMatchObject({ status: { jobs: [{ kind: 'rebalance' }] } });
  });

  test('a store that does not answer is said, tried less and less often, and found again', async () => {
    const { world, reader, pauses } = started();
    const { events, hear } = listener();
    world.beforeQuery = () => {
      throw new TryLater('the store is throttled');
    };
    reader.listen(hear);
    for (let tries = 1; tries <= 6; tries++) {
      await settled();
      pauses.at(-1)!.end();
    }
    await settled();
    expect(events[1]).toMatchObject({ kind: 'failed', sentence: 'The store is throttled.' });
    expect(pauses.slice(0, 6).map(({ ms }) => ms)).toEqual([1e3, 2e3, 4e3, 8e3, 15e3, 15e3]);
    world.beforeQuery = () => {};
    pauses.at(-1)!.end();
    await settled();
    expect(events.at(-1)?.kind).toBe('reading');
    expect(pauses.at(-1)!.ms).toBeLessThanOrEqual(5_000);
  });
});
