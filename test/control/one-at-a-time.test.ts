import { expect, test } from 'vitest';
import { oneAtATime } from '../../lib/control/one-at-a-time.ts';

/** Work that ends when it is told to, and what was asked for when each run began. */
function setting() {
  const seen: string[] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const want = oneAtATime((what: string) => {
    seen.push(what);
    ends.push(Promise.withResolvers());
    return ends.at(-1)!.promise;
  });
  return { want, seen, ends };
}

test('who asks while a run is under way shares the next one, for what was asked last', async () => {
  const { want, seen, ends } = setting();
  const first = want('a');
  const [second, third] = [want('b'), want('c')];
  expect(seen).toEqual(['a']);
  ends[0]!.resolve();
  await first;
  expect(seen).toEqual(['a', 'c']);
  const fourth = want('d');
  ends[1]!.resolve();
  await Promise.all([second, third]);
  ends[2]!.resolve();
  await fourth;
  expect(seen).toEqual(['a', 'c', 'd']);
  const fifth = want('e');
  ends[3]!.resolve();
  await fifth;
  expect(seen).toEqual(['a', 'c', 'd', 'e']);
});

test('a run that fails is told to those who asked for it, and the next one runs', async () => {
  const { want, seen, ends } = setting();
  const first = want('a');
  const second = want('b');
  ends[0]!.reject(new Error('busy'));
  await expect(first).rejects.toThrow('busy');
  ends[1]!.resolve();
  await second;
  expect(seen).toEqual(['a', 'b']);
});
