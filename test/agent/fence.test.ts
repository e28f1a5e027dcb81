import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { receiveBody } from '../../lib/agent/incoming.ts';
import { Refusal } from '../../lib/agent/refusal.ts';
import { Store } from '../../lib/agent/store.ts';
import { arrivalOf } from './arrivals.ts';
import { temporaryDirectory } from './started-agent.ts';

const chunk = 'c'.repeat(64);
const open = (directory: string) =>
  Store.open({ directory, capacityBytes: 10_000, now: () => performance.now(), log: () => {} });

async function putInto(store: Store, epoch: number, text: string): Promise<string> {
  const { sha256, bytes } = arrivalOf(Buffer.from(text));
  try {
    const incoming = store.receive({ chunk, slot: 0, size: bytes.length, sha256, epoch });
    try {
      await receiveBody(incoming, pieces(bytes), sha256);
    } finally {
      await incoming.end();
    }
    return 'stored';
  } catch (error) {
    if (error instanceof Refusal) return error.kind;
    throw error;
  }
}

async function* pieces(bytes: Uint8Array) {
  yield bytes;
}

type Step =
  | {
      readonly do: 'put';
      readonly from: 'fence' | 'zero';
      readonly by: number;
      readonly text: string;
    }
  | { readonly do: 'delete'; readonly from: 'fence' | 'zero'; readonly by: number }
  | { readonly do: 'restart' };

/** Epochs around the fence: a uniform one would hardly ever hit its edge. */
const near = {
  from: fc.constantFrom('fence', 'fence', 'zero'),
  by: fc.integer({ min: -1, max: 1 }),
} as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('put'),
      ...near,
      text: fc.constantFrom('', 'a', 'bcd'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete'), ...near }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
) as fc.Arbitrary<Step>;

describe('the fence on a real disk', () => {
  test('does as its model: raised by puts, kept by deletes and restarts', async () => {
    const run = async (steps: readonly Step[]) => {
      const directory = await temporaryDirectory();
      let store = await open(directory);
      let fence = 0;
      let known: 'unknown' | 'known' = 'unknown';
      let held: string | undefined;
      for (const each of steps) {
        if (each.do === 'restart') {
          await store.close();
          store = await open(directory);
        } else {
          const epoch = Math.max(0, (each.from === 'fence' ? fence : 0) + each.by);
          if (each.do === 'put') {
            const isOther = held !== undefined && held !== each.text && epoch === fence;
            const isBelow = known === 'known' && (epoch < fence || isOther);
            const expected = isBelow ? 'below-fence' : 'stored';
            expect(await putInto(store, epoch, each.text)).toBe(expected);
            if (expected === 'stored') [fence, held, known] = [epoch, each.text, 'known'];
          } else {
            const below = known === 'known' && epoch < fence ? 'below-fence' : 'absent';
            const expected = below === 'absent' && held !== undefined ? 'unlink' : below;
            expect(await store.remove(chunk, epoch)).toBe(expected);
            if (expected === 'unlink') held = undefined;
          }
        }
        const found = store.held('', 10).map(({ size }) => size);
        expect(found).toEqual(held === undefined ? [] : [held.length]);
        expect(store.usedBytes).toBe(held?.length ?? 0);
      }
      await store.close();
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 12 }), run), { numRuns: 60 });
  });

  test('a delete that stalls while the chunk comes back destroys nothing', async () => {
    const store = await open(await temporaryDirectory());
    await putInto(store, 3, 'a');
    expect(await store.remove(chunk, 4)).toBe('unlink');
    expect(await putInto(store, 6, 'a')).toBe('stored');
    expect(await store.remove(chunk, 4)).toBe('below-fence');
    expect(store.chunks).toBe(1);
    await store.close();
  });

  test('two puts of one chunk at once: one after the other, the fence is the higher', async () => {
    const store = await open(await temporaryDirectory());
    const outcomes = await Promise.all([9, 2, 5].map((epoch) => putInto(store, epoch, 'abc')));
    expect(outcomes).toContain('stored');
    expect(await store.remove(chunk, 8)).toBe('below-fence');
    expect(store.held('', 9)).toMatchObject([{ epoch: 9, size: 3 }]);
    await store.close();
  });
});
