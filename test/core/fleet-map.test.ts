import { describe, expect, test } from 'vitest';
import { FleetBuilder } from '../../lib/core/fleet-map.ts';
import { chunkId, nodeId, zone } from '../../lib/core/ids.ts';
import { nodesMax, slotsPerChunkMax, zonesMax } from '../../lib/core/limits.ts';
import { slotsByNode, slotsOf } from '../../lib/core/slots-by-node.ts';
import { bytes } from '../../lib/core/units.ts';
import { erasure, replicated, sketch, times } from './fleets.ts';

const node = (id: string, zoned = id[0]!) => ({
  id: nodeId(id),
  zone: zone(zoned),
  class: 'mixed' as const,
  capacity: bytes(100),
  state: 'active' as const,
});
const chunk = (copies: number, ...holders: string[]) => ({
  id: chunkId('c'),
  size: bytes(10),
  kind: 'data' as const,
  redundancy: replicated(copies),
  holders: holders.map(nodeId),
});

describe('a fleet map', () => {
  test('numbers nodes by id, whatever the order in which they come', () => {
    const builder = new FleetBuilder();
    for (const id of ['b1', 'a2', 'a1']) builder.addNode(node(id));
    builder.addChunk(chunk(3, 'b1', 'a1', 'gone'));
    const map = builder.build();
    expect(map.nodes.map(({ id }) => id)).toEqual(['a1', 'a2', 'b1']);
    expect([...map.holders]).toEqual([2, 0, -1]);
    expect([...map.zoneOfNode]).toEqual([0, 0, 1]);
  });

  test('a chunk or node that comes twice counts once', () => {
    const builder = new FleetBuilder();
    expect([builder.addNode(node('a1')), builder.addNode(node('a1'))]).toEqual([
      'added',
      'already-there',
    ]);
    const adding = () => builder.addChunk(chunk(1, 'a1'));
    expect([adding(), adding()]).toEqual(['added', 'already-there']);
    expect([...builder.build().used]).toEqual([10]);
  });

  test('a report of use that lags never makes a node look emptier than its slots', () => {
    const builder = new FleetBuilder();
    builder.addNode(node('a1'), bytes(4));
    builder.addNode(node('a2'), bytes(40));
    builder.addChunk(chunk(2, 'a1', 'a2'));
    const map = builder.build();
    expect([[...map.used], [...map.occupied]]).toEqual([
      [10, 10],
      [10, 40],
    ]);
  });

  test('equal rules are kept once', () => {
    const on = ['a1', 'a2', 'a3'];
    const rules = [replicated(3), erasure(2, 1), replicated(3), erasure(1, 2), erasure(2, 1)];
    const map = sketch(
      { a1: {}, a2: {}, a3: {} },
      rules.map((rule) => ({ on, rule })),
    );
    expect([...map.ruleOfChunk]).toEqual([0, 1, 0, 2, 1]);
  });

  test('its limits are kept', () => {
    const crowded = new FleetBuilder();
    for (const at of times(nodesMax, Number)) crowded.addNode(node(`n${at}`));
    expect(() => crowded.addNode(node('more'))).toThrow(`more than ${nodesMax} nodes`);
    expect(() => crowded.addChunk(chunk(slotsPerChunkMax + 1))).toThrow(
      `more than ${slotsPerChunkMax} slots`,
    );
    const scattered = new FleetBuilder();
    for (const at of times(zonesMax + 1, Number)) scattered.addNode(node(`n${at}`, `z${at}`));
    expect(() => scattered.build()).toThrow(`more than ${zonesMax} zones`);
  });
});

test('the slots of a node come larger ones first', () => {
  const sizes = [0, 1, 1000, 64, 2 ** 40, 900];
  const map = sketch(
    { a1: {}, a2: {} },
    sizes.map((size, at) => ({ on: [at === 3 ? 'a2' : 'a1'], size })),
  );
  const index = slotsByNode(map, [0, 1]);
  expect([...slotsOf(index, 0)].map((slot) => sizes[slot])).toEqual([2 ** 40, 1000, 900, 0, 1]);
  expect([...slotsOf(index, 1)]).toEqual([3]);
});
