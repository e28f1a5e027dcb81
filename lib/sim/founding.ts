import { guardCopies, guardKey, nodeKey } from '../contract/keys.ts';
import type { NodeRecord } from '../contract/records.ts';
import type { Op } from '../control/ports.ts';
import { nodeId, zone } from '../core/ids.ts';
import type { Disasters } from './disasters.ts';
import type { World } from './world.ts';

export const zones = ['za', 'zb', 'zc'];

/** A fleet that has been running for a while, spread over the zones in turn. */
export function found(world: World, disasters: Disasters, count: number): void {
  for (let i = 0; i < count; i++) {
    const name = nodeId(`n${i + 1}`);
    const where = zones[i % zones.length]!;
    const { instance, address } = world.ec2.adopt(name, zone(where));
    const node = world.nodes.get(name)!;
    const record: NodeRecord = {
      state: 'active',
      epoch: 3,
      zone: where,
      class: 'mixed',
      capacity: world.policy.nodeCapacityBytes,
      launchToken: instance,
      job: '',
      instance,
      address,
      incarnation: node.incarnation,
      since: 0,
      lastOp: instance,
    };
    const guards = Array.from(
      { length: guardCopies },
      (_, copy): Op => ({
        op: 'put',
        key: guardKey(name, copy),
        fields: { state: 'active', epoch: record.epoch },
      }),
    );
    world.store.write([{ op: 'put', key: nodeKey(name), fields: record }, ...guards]);
    disasters.beat(node, 0);
  }
}
