import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupMoves } from '../../lib/core/batch-moves.ts';
import type { Flight, RateBudgets } from '../../lib/core/budget.ts';
import { batchId, chunkId, jobId, nodeId } from '../../lib/core/ids.ts';
import { type Batch, makespanBound, schedule, type Urgency } from '../../lib/core/schedule.ts';
import { simulateSchedule } from '../../lib/core/simulate-schedule.ts';
import { bytes, bytesPerSecond, epochMillis } from '../../lib/core/units.ts';
import { times } from './fleets.ts';

const budgets: RateBudgets = {
  nodeBatchesMax: 5,
  fleetBatchesMax: 100,
  nodeRateBytes: 100,
  batchRateBytes: 10,
};

let nextId = 0;
/** `a>b`, 100 bytes unless told otherwise. */
function batch(
  ends: string,
  more: { size?: number; urgency?: Urgency; deadline?: number } = {},
): Batch {
  const [from, to] = ends.split('>');
  const { size = 100, urgency = 'normal', deadline } = more;
  return {
    id: batchId(`${String(nextId++).padStart(6, '0')} ${ends}`),
    job: jobId('j'),
    urgency,
    from: nodeId(from!),
    to: nodeId(to!),
    bytes: bytes(size),
    moves: 1,
    ...(deadline === undefined ? {} : { deadline: epochMillis(deadline) }),
  };
}

const flight = (ends: string, rate: number): Flight => {
  const [from, to] = ends.split('>');
  return { from: nodeId(from!), to: nodeId(to!), rate: bytesPerSecond(rate) };
};

const started = (pending: Batch[], inFlight: Flight[] = [], more: Partial<RateBudgets> = {}) =>
  schedule(pending, inFlight, { ...budgets, ...more }).map(
    ({ id, rate }) => `${id.slice(7)} ${rate}`,
  );

describe('what starts', () => {
  test.each<
    [
      behaviour: string,
      pending: Batch[],
      inFlight: Flight[],
      more: Partial<RateBudgets>,
      starts: string[],
    ]
  >([
    ['a lone batch gets the whole rate', [batch('a>b')], [], {}, ['a>b 100']],
    ['two share a node', [batch('a>b'), batch('a>c')], [], {}, ['a>b 50', 'a>c 50']],
    [
      'at most five at a node',
      times(7, (at) => batch(`a>b${at}`)),
      [],
      {},
      times(5, (at) => `a>b${at} 20`),
    ],
    ['in and out are counted apart', [batch('a>b'), batch('b>c')], [], {}, ['a>b 100', 'b>c 100']],
    ['what is in flight counts', [batch('a>b')], [flight('a>c', 70)], {}, ['a>b 30']],
    ['less than the least rate is not worth a start', [batch('a>b')], [flight('a>c', 95)], {}, []],
    [
      'a batch that does not fit holds up no other',
      [batch('a>b', { size: 900 }), batch('c>d')],
      [flight('x>b', 100)],
      {},
      ['c>d 100'],
    ],
    [
      'the more urgent first',
      [batch('a>b', { urgency: 'low', size: 900 }), batch('a>c', { urgency: 'critical' })],
      [],
      { nodeBatchesMax: 1 },
      ['a>c 100'],
    ],
    [
      'then the earlier deadline',
      [batch('a>b', { size: 900 }), batch('a>c', { deadline: 9 }), batch('a>d', { deadline: 5 })],
      [],
      { nodeBatchesMax: 1 },
      ['a>d 100'],
    ],
    [
      'then the node with most left',
      [batch('a>b'), batch('a>c'), batch('d>c', { size: 50 })],
      [],
      { nodeBatchesMax: 1 },
      ['a>c 100'],
    ],
    [
      'the fleet has its own count',
      times(4, (at) => batch(`a${at}>b${at}`)),
      [flight('x>y', 1)],
      { fleetBatchesMax: 3 },
      ['a0>b0 100', 'a1>b1 100'],
    ],
    [
      'and its own rate',
      [batch('a>b'), batch('c>d')],
      [],
      { fleetRateBytes: 120 },
      ['a>b 100', 'c>d 20'],
    ],
    [
      'with many nodes at work each gets fewer, faster batches',
      times(8, (at) => batch(`a${at % 2}>b${at % 2}`)),
      [],
      { fleetBatchesMax: 4 },
      ['a0>b0 50', 'a1>b1 50', 'a0>b0 50', 'a1>b1 50'],
    ],
    [
      'nothing when the fleet is full',
      [batch('a>b')],
      [flight('x>y', 1)],
      { fleetBatchesMax: 1 },
      [],
    ],
  ])('%s', (_behaviour, pending, inFlight, more, starts) => {
    expect(started(pending, inFlight, more)).toEqual(starts);
  });
});

const anyBatches = fc
  .array(
    fc.record({
      from: fc.constantFrom('a', 'b', 'c', 'd'),
      to: fc.constantFrom('e', 'f', 'g', 'h'),
      size: fc.integer({ min: 1, max: 500 }),
      urgency: fc.constantFrom<Urgency>('critical', 'high', 'normal', 'low'),
    }),
    { maxLength: 60 },
  )
  .map((drawn) => drawn.map(({ from, to, ...more }) => batch(`${from}>${to}`, more)));

test('no budget is overdrawn, and nothing that fits waits', () => {
  fc.assert(
    fc.property(anyBatches, anyBatches, (pending, flying) => {
      const inFlight = schedule(flying, [], budgets).map(({ id, rate }): Flight => {
        const { from, to } = flying.find((each) => each.id === id)!;
        return { from, to, rate };
      });
      const starts = schedule(pending, inFlight, budgets).map(({ id, rate }) => ({
        ...pending.find((each) => each.id === id)!,
        rate,
      }));
      const all: Flight[] = [...inFlight, ...starts];
      const at = (end: 'from' | 'to', node: string) => all.filter((each) => each[end] === node);
      const rate = (flights: Flight[]) => flights.reduce((sum, each) => sum + each.rate, 0);
      for (const end of ['from', 'to'] as const) {
        for (const node of new Set(all.map((each) => each[end]))) {
          expect(at(end, node).length).toBeLessThanOrEqual(budgets.nodeBatchesMax);
          expect(rate(at(end, node))).toBeLessThanOrEqual(budgets.nodeRateBytes);
        }
      }
      const waiting = pending.filter(({ id }) => !starts.some((start) => start.id === id));
      for (const { from, to } of waiting) {
        const isFull = [at('from', from), at('to', to)].some(
          (flights) =>
            flights.length >= budgets.nodeBatchesMax ||
            rate(flights) > budgets.nodeRateBytes - budgets.batchRateBytes,
        );
        expect(isFull).toBe(true);
      }
    }),
  );
});

describe('makespan', () => {
  test('the bound is the busiest end at its full rate, or the fleet at its own', () => {
    const pending = [batch('a>b', { size: 300 }), batch('a>c', { size: 200 }), batch('d>c')];
    expect(makespanBound(pending, budgets)).toBe(5);
    expect(makespanBound(pending, { ...budgets, fleetRateBytes: 60 })).toBe(10);
    expect(makespanBound([], budgets)).toBe(0);
  });

  test('a simulation does all of the work and never beats the bound', () => {
    fc.assert(
      fc.property(anyBatches, fc.constantFrom(2, 100), (pending, fleetBatchesMax) => {
        const run = simulateSchedule(pending, { ...budgets, fleetBatchesMax });
        expect(run.batches).toBe(pending.length);
        expect(run.inFlightMost).toBeLessThanOrEqual(fleetBatchesMax);
        expect(run.makespanSeconds).toBeGreaterThanOrEqual(run.boundSeconds - 1e-6);
        const total = pending.reduce((sum, each) => sum + each.bytes, 0);
        expect([...run.bytesOut.values()].reduce((sum, each) => sum + each, 0)).toBe(total);
        expect([...run.bytesIn.values()].reduce((sum, each) => sum + each, 0)).toBe(total);
      }),
    );
  });

  test('many equal batches end within 2 % of the bound', () => {
    const pending = times(3000, (at) => batch(`a${at % 30}>b${Math.floor(at / 30) % 5}`));
    const run = simulateSchedule(pending, budgets);
    expect(run.makespanSeconds / run.boundSeconds).toBeLessThan(1.02);
  });

  test('an order of arrival with everything for one node first does not stretch it', () => {
    const pending = [
      ...times(200, (at) => batch(`a${at % 4}>b0`)),
      ...times(200, (at) => batch(`a${at % 4}>b${1 + (at % 3)}`)),
    ];
    const run = simulateSchedule(pending, budgets);
    expect(run.makespanSeconds / run.boundSeconds).toBeLessThan(1.05);
  });
});

test('moves are grouped by their nodes, up to a count and about a size', () => {
  const move = (chunk: number, to: string, size: number) => ({
    chunk: chunkId(`c${chunk}`),
    slot: 0,
    from: nodeId('a'),
    to: nodeId(to),
    bytes: bytes(size),
  });
  const moves = [
    move(0, 'b', 5),
    move(1, 'c', 5),
    move(2, 'b', 4),
    move(3, 'b', 1),
    move(4, 'b', 50),
    move(5, 'b', 1),
    move(6, 'b', 1),
  ];
  const shape = (groups: ReturnType<typeof groupMoves>) =>
    groups.map(
      ({ to, bytes: sum, moves: each }) => `${to} ${sum} ${each.map(({ chunk }) => chunk).join()}`,
    );
  expect(shape(groupMoves(moves, { movesMax: 3, bytesMax: 10 }))).toEqual([
    'b 10 c0,c2,c3',
    'c 5 c1',
    'b 50 c4',
    'b 2 c5,c6',
  ]);
  expect(shape(groupMoves(moves, { movesMax: 2 }))).toEqual([
    'b 9 c0,c2',
    'c 5 c1',
    'b 51 c3,c4',
    'b 2 c5,c6',
  ]);
});
