import { tryCollect } from '../control/collect.ts';
import { readNodes } from '../control/fleet.ts';
import { orphanAgeMs } from '../control/limits.ts';
import { sweep } from '../control/sweep.ts';
import { watch } from '../control/watch.ts';
import { every } from './every.ts';
import { activeNodes } from './sights.ts';
import type { World } from './world.ts';

const watchMs = 6_000;
const sweepMs = 7_000;
/** The watch takes one node a minute; days of it do not fit a simulated minute. */
const collectMs = 4_000;

/** What runs again and again whatever anybody asks for. */
export function beginSchedules(world: World): void {
  const { ground } = world;
  every(ground, watchMs, () => world.spawn('watch', watch));
  every(ground, sweepMs, () => world.spawn('sweep', (ports) => sweep(ports, [])));
  let collected = 0;
  every(ground, collectMs, () => collectInTurn(world, collected++));
}

function collectInTurn(world: World, turn: number): void {
  const active = activeNodes(world.store);
  const chosen = active[turn % active.length];
  world.spawn('collect', async (ports) => {
    const node = (await readNodes(ports.tables)).find(({ id }) => id === chosen);
    return node === undefined ? 0 : tryCollect(ports, node, orphanAgeMs);
  });
}
