import { flightPartition, jobPartition } from '../../lib/contract/keys.ts';
import type { Nodes, Op, Ports, Refusal, Tables } from '../../lib/control/ports.ts';
import type { World } from '../../lib/sim/world.ts';
import type { PlantedBug } from './plants.ts';
import { addressIn, movesIn, onWrite, withNodes, withoutWhen, withWrite } from './wraps.ts';

/** Bugs in what undoes a drain, and in what gives a batch up. */
export const undrainPlants: Readonly<Record<string, PlantedBug>> = {
  'a restore commits blindly': {
    wavering: 1,
    faults: { messageDoubled: 0.4, stall: 0.1 },
    breaks: ['I4', 'I2'],
    wrap: onWrite((ops) => (isRestore(ops) ? ops.map(withoutWhen) : ops)),
  },
  'a restore takes a parked copy whose deletion has begun': {
    wavering: 1,
    faults: { removeLate: 0.9 },
    policy: { parkingMs: 3_000 },
    breaks: ['I2'],
    wrap: (ports, world) => ({ ...ports, nodes: renewingUnasked(ports.nodes, world) }),
  },
  'a restore does not ask whether its node takes copies': {
    wavering: 1,
    breaks: ['I5'],
    wrap: (ports, world) => ({
      ...onWrite((ops) => (isRestore(ops) ? ops.filter(({ op }) => op !== 'check') : ops))(ports),
      nodes: renewingSlowly(ports.nodes, world),
    }),
  },
  'the copies of a cancelled batch are deleted though another worker committed them': {
    faults: { messageDoubled: 0.4 },
    breaks: ['I2'],
    wrap: (ports, world) => ({ ...ports, tables: takingBackAll(ports, world) }),
  },
  'an undrain gives a node back, but not all its guards': {
    breaks: ['I5'],
    wrap: (ports, _world, process) =>
      process.startsWith('undrain') ? onWrite((ops) => ops.slice(0, 2))(ports) : ports,
  },
};

/** It changes placements, and counts them for an undone job. */
const isRestore = (ops: readonly Op[]): boolean =>
  ops.some(({ op, key, when }) => op === 'update' && key.pk === jobPartition && isUndo(when));

const isUndo = (when: Op['when']): boolean => typeof when === 'object' && when.undo === true;

/** Receipts of copies that nobody read back or fenced. */
const renewingUnasked = (nodes: Nodes, world: World): Nodes =>
  withNodes(nodes, {
    renew: async (at, renewals) => {
      const incarnation = world.nodes.get(at.node)?.incarnation ?? '';
      return renewals.map((wanted) => ({
        outcome: 'renewed',
        receipt: { ...wanted, size: 0, incarnation },
      }));
    },
  });

const renewMs = 2_000;

/** Disks that take so long to read back that the node may be cordoned again meanwhile. */
const renewingSlowly = (nodes: Nodes, { ground: { scheduler } }: World): Nodes =>
  withNodes(nodes, {
    renew: async (at, renewals) => {
      const answers = await nodes.renew(at, renewals);
      await new Promise<void>((resolve) => {
        scheduler.after(renewMs, () => {
          scheduler.woke();
          resolve();
        });
      });
      return answers;
    },
  });

const isGone = (ops: readonly Op[], { op, current }: Refusal): boolean =>
  ops[op]?.key.pk === flightPartition && current === undefined;

/** A worker that finds its flight gone deletes what it wanted to commit. */
const takingBackAll = (ports: Ports, world: World): Tables =>
  withWrite(ports.tables, async (ops, token) => {
    const result = await ports.tables.write(ops, token);
    if (result.kind === 'refused' && result.refusals.some((refusal) => isGone(ops, refusal))) {
      for (const move of movesIn(ops)) {
        const to = move.holders.map((holder) => addressIn(world, holder));
        for (const node of to) await ports.nodes.remove(node, [move]).catch(() => []);
      }
    }
    return result;
  });
