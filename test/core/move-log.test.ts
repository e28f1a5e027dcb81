import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MoveLog } from '../../lib/core/move-log.ts';

test('what was logged is found, in order and by slot, and nothing else', () => {
  const slots = 3000;
  const anyMoves = fc.uniqueArray(fc.tuple(fc.nat(slots - 1), fc.nat(99)), {
    selector: ([slot]) => slot,
    maxLength: 400,
  });
  fc.assert(
    fc.property(anyMoves, (moves) => {
      const log = new MoveLog(slots);
      for (const [slot, to] of moves) log.add(slot, to);
      const logged = moves.map((_, place) => [log.slotAt(place), log.toAt(place)]);
      expect(logged).toEqual(moves);
      expect(moves.map(([slot]) => [slot, log.toOf(slot)])).toEqual(moves);
      const moved = new Set(moves.map(([slot]) => slot));
      for (let slot = 0; slot < slots; slot += 7) expect(log.has(slot)).toBe(moved.has(slot));
    }),
  );
});
