import { describe, expect, test } from 'vitest';
import { adviseCapacity } from '../../lib/core/capacity.ts';
import { zone } from '../../lib/core/ids.ts';

describe('capacity of a zone, by the reference arithmetic', () => {
  test.each<[used: number, capacity: number, nodes: number, advice: string]>([
    [780, 1000, 10, 'add 2'],
    [770, 1000, 10, 'keep'],
    [950, 1000, 10, 'add 4'],
    [771, 1000, 1, 'add 2'],
    [5, 0, 0, 'add 1'],
    [630, 1000, 10, 'keep'],
    [629, 1000, 10, 'remove 1'],
    [100, 1000, 10, 'remove 8'],
    [0, 300, 3, 'remove 2'],
    [0, 100, 1, 'keep'],
    [600, 1000, 2, 'keep'],
    [600, 950, 2, 'keep'],
  ])('%d of %d bytes on %d nodes: %s', (usedBytes, capacityBytes, nodes, advice) => {
    const policy = {
      fillTarget: 0.7,
      nodeCapacityBytes: 100,
      nodeDollarsPerHour: 1,
      nodeTypes: [],
    };
    const said = adviseCapacity({ zone: zone('a'), usedBytes, capacityBytes, nodes }, policy);
    expect(said.kind === 'keep' ? 'keep' : `${said.kind} ${said.nodes}`).toBe(advice);
  });
});
