import { readNodes } from '../../control/fleet.ts';
import type { Ports } from '../../control/ports.ts';
import { type NodeId, zone } from '../../core/ids.ts';
import { exitCodes } from '../exit-codes.ts';
import { UserError } from '../user-error.ts';

/** The youngest node of a zone that has another one. @throws UserError where none has */
export async function spareNode({ tables }: Ports, name: string): Promise<NodeId> {
  const nodes = await readNodes(tables);
  const there = nodes.filter((node) => node.zone === zone(name) && node.state === 'active');
  if (there.length < 2) {
    throw new UserError(
      `Zone ${name} has ${there.length} active nodes: none to spare.`,
      exitCodes.failed,
    );
  }
  return there.reduce((youngest, node) => (node.since > youngest.since ? node : youngest)).id;
}
