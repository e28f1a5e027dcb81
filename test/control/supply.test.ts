import { expect, test } from 'vitest';
import { readsPerPullMax, sourcesPerPullMax } from '../../lib/contract/agent.ts';
import { ChunkRecord } from '../../lib/contract/records.ts';
import type { Due } from '../../lib/control/commit-moves.ts';
import { inPulls } from '../../lib/control/supply.ts';

/** A chunk of so many holders, which begin at `first`. */
const due = (number: number, first: number, holders: number): Due => ({
  move: { chunk: `c${number}`, slot: 0, bytes: 1 },
  record: ChunkRecord.parse({
    ...{ state: 'live', size: 1, sha256: 's', kind: 'data', version: 1, lastOp: '' },
    redundancy: { kind: 'replicated', copies: holders },
    holders: Array.from({ length: holders }, (_, i) => `n${first + i}`),
  }),
});

test.each<[behaviour: string, all: Due[], pulls: number]>([
  ['nothing makes no pull', [], 0],
  ['a batch of few nodes is one pull', Array.from({ length: 288 }, (_, i) => due(i, 0, 3)), 1],
  ['many nodes make several', Array.from({ length: 288 }, (_, i) => due(i, 3 * i, 3)), 4],
  ['wide codes too', Array.from({ length: 288 }, (_, i) => due(i, 0, 49)), 2],
])('%s, each within what an agent takes', (_behaviour, all, pulls) => {
  const parts = inPulls(all);
  expect(parts.flat()).toEqual(all);
  expect(parts).toHaveLength(pulls);
  for (const part of parts) {
    const holders = part.flatMap(({ record }) => record.holders);
    expect(new Set(holders).size).toBeLessThanOrEqual(sourcesPerPullMax);
    expect(holders.length).toBeLessThanOrEqual(readsPerPullMax);
  }
});

test('an old record, without checksums of its slots, is one of whole copies', () => {
  expect(due(1, 0, 3).record.shards).toEqual([]);
});
