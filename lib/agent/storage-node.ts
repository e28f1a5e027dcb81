import type { Stats } from '../contract/agent.ts';
import type { Heat } from '../core/heat.ts';
import type { Authority } from './authority.ts';
import type { Background } from './background.ts';
import type { Log } from './log.ts';
import type { Scrubber } from './scrubber.ts';
import type { Store } from './store.ts';
import type { Traffic } from './traffic.ts';

/** All that a running node is made of. */
export interface StorageNode {
  readonly node: string;
  readonly instance: string;
  readonly zone: string;
  readonly store: Store;
  readonly authority: Authority;
  readonly background: Background;
  readonly traffic: Traffic;
  readonly heat: Heat;
  readonly scrubber: Scrubber;
  readonly log: Log;
  /** Milliseconds that never run backwards. */
  readonly now: () => number;
}

export function statsOf(running: StorageNode): Stats {
  const { node, instance, zone, store, background, traffic, scrubber } = running;
  return {
    node,
    instance,
    zone,
    incarnation: store.incarnation,
    usedBytes: store.usedBytes,
    capacityBytes: store.capacityBytes,
    chunks: store.chunks,
    connections: traffic.connections,
    ...background.load,
    ...background.told,
    p99Ms: traffic.p99Ms(),
    foregroundIn: traffic.rate('foregroundIn'),
    foregroundOut: traffic.rate('foregroundOut'),
    backgroundIn: traffic.rate('backgroundIn'),
    backgroundOut: traffic.rate('backgroundOut'),
    diskSuspect: store.health.suspect,
    ...scrubber.told,
  };
}
