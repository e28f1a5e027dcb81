import { expect, test } from 'vitest';
import { nodeId } from '../../lib/core/ids.ts';
import { bytes } from '../../lib/core/units.ts';
import { usedAfter } from '../../lib/core/used-after.ts';

const [a, b, c] = ['a', 'b', 'c'].map(nodeId) as [ReturnType<typeof nodeId>, never, never];

test('what leaves one node arrives on another, and nothing is made or lost', () => {
  const used = new Map([
    [a, 30],
    [b, 10],
    [c, 0],
  ]);
  const after = usedAfter(used, [
    { from: a, to: b, bytes: bytes(10) },
    { from: a, to: c, bytes: bytes(20) },
  ]);
  expect([...after]).toEqual([
    [a, 0],
    [b, 20],
    [c, 20],
  ]);
  expect(used.get(a)).toBe(30);
});

test('a node whose heartbeat is older than its moves does not go below nothing', () => {
  expect(usedAfter(new Map([[a, 5]]), [{ from: a, to: b, bytes: bytes(10) }]).get(a)).toBe(0);
});
