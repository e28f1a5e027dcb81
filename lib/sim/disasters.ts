import { heartbeatKey } from '../contract/keys.ts';
import type { SimNode } from './node.ts';
import { startMs } from './process.ts';
import type { World } from './world.ts';

/** Between looks at whether something befalls a node. */
const tickMs = 500;
const beatMs = 4_000;
/** A process that restarts is back before anybody calls it dead; an outage lasts longer. */
const restartMs = [100, 8_000] as const;
const outageMs = [15_000, 60_000] as const;

/** What befalls nodes, and their heartbeats. */
export class Disasters {
  readonly #world: World;
  /** Copies of a chunk that may still be destroyed: redundancy promises no more. */
  #damagesLeft: number;
  readonly #beats = new Map<string, number>();
  #stopped = false;

  constructor(world: World, damagesMax: number) {
    this.#world = world;
    this.#damagesLeft = damagesMax;
  }

  begin(): void {
    this.#every(tickMs, () => this.#strike());
    this.#every(beatMs, () => this.#beat());
  }

  stop(): void {
    this.#stopped = true;
  }

  #every(periodMs: number, run: () => void): void {
    this.#world.ground.scheduler.after(periodMs, () => {
      run();
      this.#every(periodMs, run);
    });
  }

  #strike(): void {
    const { random, faults } = this.#world.ground;
    const alive = [...this.#world.nodes.values()].filter(({ state }) => state === 'up');
    if (this.#stopped || alive.length === 0) return;
    const node = random.pick(alive);
    if (random.chance(0.1)) node.connections = random.below(3);
    const downMs = random.logBetween(restartMs[0], restartMs[1]);
    if (random.chance(faults.nodeRestart)) node.restart(downMs);
    else if (random.chance(faults.powerCut)) node.cutPower(downMs);
    else if (random.chance(faults.diskLost)) this.#damage(() => node.loseDisk(downMs));
    else if (random.chance(faults.bitRot)) this.#damage(() => this.#rot(node));
    else if (random.chance(faults.outage)) {
      this.#damage(() => node.cutPower(random.logBetween(outageMs[0], outageMs[1])));
    }
  }

  #damage(strike: () => void): void {
    if (this.#damagesLeft <= 0) return;
    this.#damagesLeft--;
    strike();
  }

  #rot(node: SimNode): void {
    const chunks = node.disk.held();
    if (chunks.length > 0) node.rot(this.#world.ground.random.pick(chunks));
  }

  /** Each agent says that it lives, under a number that rises. */
  #beat(): void {
    for (const node of this.#world.nodes.values()) {
      const { random, faults } = this.#world.ground;
      if (node.state !== 'up' || random.chance(faults.heartbeatLost)) continue;
      const seq = (this.#beats.get(node.id) ?? 0) + 1;
      this.#beats.set(node.id, seq);
      this.beat(node, seq);
    }
  }

  beat(node: SimNode, seq: number): void {
    const { node: _node, instance: _instance, zone: _zone, ...stats } = node.stats();
    const at = Math.floor(startMs + this.#world.ground.scheduler.now);
    const fields = { ...stats, at, seq, port: 7070 };
    this.#world.store.write([{ op: 'put', key: heartbeatKey(node.id), fields }]);
  }
}
