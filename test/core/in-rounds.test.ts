import { expect, test } from 'vitest';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { inRounds } from '../../lib/core/in-rounds.ts';
import type { Move } from '../../lib/core/plan.ts';
import { bytes } from '../../lib/core/units.ts';

const move = (chunk: string, slot: number): Move => ({
  chunk: chunkId(chunk),
  slot,
  from: nodeId(`from${slot}`),
  to: nodeId(`to${slot}`),
  bytes: bytes(1),
});
const names = (moves: readonly Move[]) => moves.map(({ chunk, slot }) => `${chunk}.${slot}`);

test.each<[behaviour: string, moves: Move[], rounds: string[][]]>([
  ['one round takes all where no chunk has two', [move('x', 0), move('y', 1)], [['x.0', 'y.1']]],
  [
    'a chunk that has three goes in three, the chosen slot first and the others round',
    [move('x', 0), move('x', 1), move('x', 2)],
    [['x.1'], ['x.2'], ['x.0']],
  ],
  [
    'each round keeps the order',
    [move('y', 0), move('x', 0), move('y', 2)],
    [['x.0', 'y.2'], ['y.0']],
  ],
  ['none have no round', [], []],
])('%s', (_behaviour, moves, rounds) => {
  expect(inRounds(moves, (_chunk, of) => (of > 1 ? 1 : 0)).map(names)).toEqual(rounds);
});
