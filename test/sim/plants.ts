import type { Violation } from '../../lib/sim/judge.ts';
import type { Plant } from '../../lib/sim/world.ts';
import { undrainPlants } from './undrain-plants.ts';
import {
  blindToOutboxes,
  cleaningUp,
  deletingAnyVersion,
  deletingFirst,
  droppingAllLists,
  firstPageOfInventory,
  isPlacement,
  laggingInventory,
  onUnknown,
  onWrite,
  tellingNoDamage,
  underTheLeaseOnly,
  withoutDiskProof,
  withoutWhen,
} from './wraps.ts';

/** A bug, and the invariants of which it breaks one: another violation is not its discovery. */
export interface PlantedBug extends Plant {
  readonly breaks: readonly Violation['invariant'][];
}

/**
 * Bugs that somebody could write, each put between lib/control and the world or into the simulated disk:
 * the product has no switch for them.
 */
export const plants: Readonly<Record<string, PlantedBug>> = {
  'a drain is gated by an index that lags': {
    breaks: ['I6'],
    wrap: (ports, world, process) => ({
      ...ports,
      tables: laggingInventory(ports.tables, world),
      nodes: withoutDiskProof(ports.nodes, process),
    }),
  },
  'a termination looks at the first page only': {
    faults: { pageEmpty: 0.5 },
    breaks: ['I6'],
    wrap: (ports, _world, process) => ({
      ...ports,
      tables: firstPageOfInventory(ports.tables),
      nodes: withoutDiskProof(ports.nodes, process),
    }),
  },
  'a commit is blind': {
    breaks: ['I4', 'I2'],
    wrap: onWrite((ops) => ops.map(withoutWhen)),
  },
  'a lease is trusted for safety': {
    breaks: ['I4', 'I2'],
    wrap: onWrite((ops) => ops.map(underTheLeaseOnly)),
  },
  'a commit does not ask whether its destination is active': {
    breaks: ['I5'],
    wrap: onWrite((ops) => ops.filter(({ op }) => op !== 'check')),
  },
  'the source is deleted before the commit': {
    breaks: ['I2'],
    wrap: (ports, world) => ({ ...ports, tables: deletingFirst(ports, world) }),
  },
  'the source is deleted at once': {
    breaks: ['I3'],
    policy: { parkingMs: 0 },
  },
  'received bytes are not verified': {
    breaks: ['I2'],
    rules: { matches: () => true },
  },
  'a node ignores its fence': {
    breaks: ['I2'],
    rules: {
      judgeDelete: (shelf) => (shelf?.held === true ? 'unlink' : 'absent'),
      judgePut: () => 'store',
    },
  },
  'a PUT at the fence overwrites another shard': {
    breaks: ['I2'],
    rules: {
      judgePut: (shelf, epoch) =>
        shelf !== undefined && epoch < shelf.fence ? 'below-fence' : 'store',
    },
  },
  'a shard comes to where another of its chunk is parked': {
    breaks: ['I3'],
    wrap: (ports, _world, process) =>
      process.startsWith('worker') ? { ...ports, tables: blindToOutboxes(ports.tables) } : ports,
  },
  'a PUT does not raise the fence': {
    breaks: ['I2'],
    rules: { raiseFence: (old) => old },
  },
  'a delete carries no version': {
    breaks: ['I2'],
    wrap: (ports) => ({ ...ports, nodes: deletingAnyVersion(ports.nodes) }),
  },
  'the copy is deleted when the outcome is unknown': {
    breaks: ['I2'],
    wrap: (ports, world) => ({ ...ports, tables: cleaningUp(ports, world) }),
  },
  'an unknown outcome is acknowledged': {
    breaks: ['I1'],
    wrap: (ports) => ({
      ...ports,
      tables: onUnknown(ports.tables, async () => ({ kind: 'committed' })),
    }),
  },
  'a receipt does not wait for the disk': {
    breaks: ['I2'],
    rules: { syncDelayMs: 15_000 },
  },
  'a launch forgets its client token': {
    breaks: ['I9'],
    launchTokens: 'ignored',
  },
  'tidying an inventory drops lists that are in use': {
    breaks: ['I2'],
    wrap: (ports) => ({ ...ports, tables: droppingAllLists(ports.tables) }),
  },
  'a late commit brings a removed chunk back': {
    breaks: ['I4'],
    wrap: onWrite((ops) => ops.map((op) => (isPlacement(op) ? withoutWhen(op) : op))),
  },
  'a copy that a node found damaged is left to rot': {
    faults: { bitRot: 0.3 },
    breaks: ['I10'],
    wrap: (ports) => ({ ...ports, nodes: tellingNoDamage(ports.nodes) }),
  },
  ...undrainPlants,
};
