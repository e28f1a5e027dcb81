import { describe, expect, test } from 'vitest';
import { planLines, readPlan } from '../../lib/contract/plan-lines.ts';
import { readSnapshot } from '../../lib/contract/snapshot.ts';
import { lineBytesMax } from '../../lib/core/limits.ts';
import { wholePlan } from '../../lib/core/plan.ts';
import { draftRebalance } from '../../lib/core/rebalance.ts';

/** The text in pieces that end anywhere, as from a file. */
async function* pieces(text: string, size = 7): AsyncGenerator<Uint8Array> {
  const all = Buffer.from(text);
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

const read = (...lines: (object | string)[]) =>
  readSnapshot(
    pieces(
      lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    ),
  );

const header = { ballast: 1, zones: ['a', 'zürich'] };
const node = { node: 'n1', zone: 'a', class: 'mixed', capacity: 100, state: 'active' };
const other = { node: 'n2', zone: 'zürich', class: 'data', capacity: 50, state: 'joining' };
const chunk = { chunk: 'c1', size: 10, redundancy: { replicated: 2 }, holders: ['n1', 'n2'] };

describe('a fleet snapshot', () => {
  test('nodes and chunks are read, blank lines are not', async () => {
    const shards = {
      chunk: 'c2',
      size: 11,
      kind: 'metadata',
      redundancy: { erasure: [1, 1] },
      holders: ['n2', 'n1'],
    };
    const { zones, fleet } = await read(header, node, '', other, chunk, shards, '');
    const map = fleet.build();
    expect(zones).toEqual(['a', 'zürich']);
    expect(map.nodes.map(({ id, zone }) => `${id} ${zone}`)).toEqual(['n1 a', 'n2 zürich']);
    expect([...map.holders]).toEqual([0, 1, 1, 0]);
    expect([...map.slotBytes]).toEqual([10, 11]);
    expect([...map.isMetadata]).toEqual([0, 1]);
    expect([...map.used]).toEqual([21, 21]);
  });

  test('a copy may be missing', async () => {
    const { fleet } = await read(header, node, { ...chunk, holders: ['n1'] });
    expect([...fleet.build().holders]).toEqual([0, -1]);
  });

  test.each<[problem: string, lines: (object | string)[], message: string]>([
    ['empty', [''], 'line 1: empty, expected a header'],
    [
      'another version',
      [{ ...header, ballast: 2 }],
      'line 1: ballast (the format version) is 2, expected 1',
    ],
    ['no header', [node], 'line 1: ballast (the format version) is missing, expected 1'],
    [
      'no zone',
      [{ ballast: 1, zones: [] }],
      'line 1: zones is [], expected 1 to 64 different zone names',
    ],
    [
      'a zone twice',
      [{ ballast: 1, zones: ['a', 'a'] }],
      'line 1: zones is ["a","a"], expected 1 to 64 different zone names',
    ],
    ['a syntax error', [header, node, '{"chunk":"c1",'], 'line 3: not valid JSON:'],
    ['not an object', [header, '[1]'], 'line 2: found [1], expected a JSON object'],
    [
      'neither node nor chunk',
      [header, { zone: 'a' }],
      'line 2: neither a node nor a chunk: no field "node" or "chunk"',
    ],
    [
      'a node without a name',
      [header, { ...node, node: '' }],
      'line 2: node is "", expected a name of 1 to 256 characters',
    ],
    [
      'an unknown zone',
      [header, { ...node, zone: 'b' }],
      'line 2: zone is "b", expected one of a, zürich',
    ],
    [
      'an unknown class',
      [header, { ...node, class: 'fast' }],
      'line 2: class is "fast", expected data, metadata or mixed',
    ],
    [
      'no capacity',
      [header, { ...node, capacity: 0 }],
      'line 2: capacity is 0, expected a whole number of bytes above 0',
    ],
    [
      'an unknown state',
      [header, { ...node, state: 'up' }],
      'line 2: state is "up", expected one of launched,',
    ],
    ['a node twice', [header, node, node], 'line 3: node n1 was listed before'],
    [
      'a chunk without a name',
      [header, node, { ...chunk, chunk: 7 }],
      'line 3: chunk is 7, expected a name of 1 to 256 characters',
    ],
    [
      'half a byte',
      [header, node, { ...chunk, size: 0.5 }],
      'line 3: size is 0.5, expected a whole number of bytes',
    ],
    [
      'an unknown kind',
      [header, node, { ...chunk, kind: 'log' }],
      'line 3: kind is "log", expected data or metadata',
    ],
    [
      'no redundancy',
      [header, node, { ...chunk, redundancy: undefined }],
      'line 3: redundancy is missing, expected {"replicated":n} or {"erasure":[k,m]}',
    ],
    [
      'no copies',
      [header, node, { ...chunk, redundancy: { replicated: 0 } }],
      'line 3: redundancy is {"replicated":0}, expected',
    ],
    [
      'half a code',
      [header, node, { ...chunk, redundancy: { erasure: [6] } }],
      'line 3: redundancy is {"erasure":[6]}, expected',
    ],
    [
      'a code without parity',
      [header, node, { ...chunk, redundancy: { erasure: [6, 0] } }],
      'line 3: redundancy is {"erasure":[6,0]}, expected',
    ],
    [
      'no holder',
      [header, node, { ...chunk, holders: [] }],
      'line 3: holders is [], expected a list of 1 to 2 nodes',
    ],
    [
      'too many holders',
      [header, node, { ...chunk, holders: ['n1', 'n1', 'n1'] }],
      'line 3: holders is ["n1","n1","n1"], expected a list of 1 to 2 nodes',
    ],
    [
      'a stripe that lacks a shard',
      [header, node, { ...chunk, redundancy: { erasure: [1, 1] }, holders: ['n1'] }],
      'line 3: holders is ["n1"], expected a list of 2 nodes',
    ],
    [
      'an unknown holder',
      [header, node, chunk],
      'line 3: holders[1] is "n2", expected a node of an earlier line',
    ],
    [
      'a holder twice',
      [header, node, { ...chunk, holders: ['n1', 'n1'] }],
      'line 3: holders[1] is "n1", expected each node at most once',
    ],
    ['a chunk twice', [header, node, other, chunk, chunk], 'line 5: chunk c1 was listed before'],
    ['an endless line', [header, `{"node":"${'x'.repeat(lineBytesMax)}"}`], 'line 2: is 6'],
    ['a long line that ends', [header, `"${'x'.repeat(lineBytesMax)}"\n`], 'line 2: is'],
    [
      'a long value',
      [header, { ...node, zone: 'z'.repeat(99) }],
      `line 2: zone is "${'z'.repeat(56)}…, expected`,
    ],
  ])('%s is named with its line', async (_problem, lines, message) => {
    await expect(read(...lines)).rejects.toThrow(message);
  });
});

describe('a plan', () => {
  const move = { chunk: 'c1', slot: 0, from: 'n1', to: 'n2', bytes: 10 };
  const head = {
    plan: 1,
    job: 'drain',
    movesTotal: 1,
    bytesTotal: 10,
    bytesMinimum: 10,
    blocks: [],
  };
  const readLines = (...lines: object[]) =>
    readPlan(pieces(lines.map((line) => JSON.stringify(line)).join('\n'), 1000));

  test('what is written is read again', async () => {
    const chunks = Array.from({ length: 30 }, (_, at) => ({
      ...chunk,
      chunk: `c${at}`,
      redundancy: { replicated: 1 },
      holders: ['n1'],
    }));
    const roomy = { ...node, capacity: 1000 };
    const { fleet } = await read(header, roomy, { ...roomy, node: 'n3' }, ...chunks);
    const plan = draftRebalance(fleet.build());
    const added = [{ id: 'n3', zone: 'a', class: 'mixed', capacity: 100 }] as never;
    expect(plan.movesTotal).toBe(15);
    expect(await readPlan(pieces([...planLines({ plan, added })].join('')))).toEqual({
      plan: wholePlan(plan),
      added,
    });
    expect([...planLines({ plan, added: [] })][0]).not.toContain('added');
  });

  test.each<[problem: string, lines: object[], message: string]>([
    ['nothing', [], 'line 1: empty, expected a header'],
    [
      'another version',
      [{ ...head, plan: 0 }],
      'line 1: plan (the format version) is 0, expected 1',
    ],
    ['an unknown job', [{ ...head, job: 'tidy' }], 'line 1: job is "tidy", expected one of drain,'],
    [
      'no total',
      [{ ...head, bytesTotal: -1 }],
      'line 1: bytesTotal is -1, expected a number of bytes',
    ],
    [
      'no minimum',
      [{ ...head, bytesMinimum: null }],
      'line 1: bytesMinimum is null, expected a number of bytes',
    ],
    ['no blocks', [{ ...head, blocks: {} }], 'line 1: blocks is {}, expected a list'],
    ['odd additions', [{ ...head, added: {} }], 'line 1: added is {}, expected a list of nodes'],
    [
      'an odd addition',
      [{ ...head, added: [{}] }, move],
      'line 1: added is {}, expected nodes with id, zone, class and capacity',
    ],
    ['a missing move', [head], 'line 1: movesTotal is 1, expected 0, the moves that follow'],
    ['no chunk', [head, { ...move, chunk: 1 }], 'line 2: chunk is 1, expected the id of a chunk'],
    ['no slot', [head, { ...move, slot: -1 }], 'line 2: slot is -1, expected a whole number'],
    ['no source', [head, { ...move, from: '' }], 'line 2: from is "", expected the id of a node'],
    ['no destination', [head, { ...move, to: [] }], 'line 2: to is [], expected the id of a node'],
    [
      'no bytes',
      [head, { ...move, bytes: '10' }],
      'line 2: bytes is "10", expected a whole number of bytes',
    ],
  ])('%s is named with its line', async (_problem, lines, message) => {
    await expect(readLines(...lines)).rejects.toThrow(message);
  });
});
