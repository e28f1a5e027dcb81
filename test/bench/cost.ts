/**
 * What moves cost: `npx -c 'node test/bench/cost.ts'`. Drains a node with lib/control as it is, on tables
 * that count as DynamoDB bills, and multiplies by list prices.
 */
import { costOfMoves, type MoveCost } from './cost-of-moves.ts';

const shapes = [
  { name: '30 KB, 2,000 chunks', chunksMin: 2_000, chunkBytes: 30_000 },
  { name: '64 MiB, 2,000 chunks', chunksMin: 2_000, chunkBytes: 64 * 2 ** 20 },
  { name: '64 MiB, 10,000 chunks', chunksMin: 10_000, chunkBytes: 64 * 2 ** 20 },
];

const dollars = (value: number) => `$${value.toFixed(value < 100 ? 2 : 0)}`;

function show(name: string, chunkBytes: number, found: MoveCost): void {
  const perPb = 1e15 / chunkBytes / 1e6;
  const rows: [what: string, value: string][] = [
    ['moves, batches', `${found.cost.moves}, ${found.cost.batches}`],
    ['AWS calls a move', found.callsPerMove.toFixed(3)],
    ['write units, read units a move', unitsOf(found)],
    ...Object.entries(found.requests).map(([what, value]): [string, string] => [
      `${what}, a million moves`,
      dollars(value),
    ]),
    ['requests, a million moves', dollars(found.requestsTotal)],
    ['function time, a run for one node', dollars(found.computeAlone)],
    ['function time, a run for two nodes', dollars(found.computeShared)],
    ['all of it, a million moves', dollars(found.requestsTotal + found.computeShared)],
    ['all of it, a PB', dollars((found.requestsTotal + found.computeShared) * perPb)],
    ['were it all across zones, a million moves', dollars(found.ifAcrossZones)],
  ];
  console.log(`\n${name}`);
  for (const [what, value] of rows) console.log(`  ${what.padEnd(44)}${value.padStart(12)}`);
}

const unitsOf = ({ cost }: MoveCost): string =>
  `${(cost.writeUnits / cost.moves).toFixed(2)}, ${(cost.readUnits / cost.moves).toFixed(2)}`;

for (const { name, ...shape } of shapes) show(name, shape.chunkBytes, await costOfMoves(shape));
