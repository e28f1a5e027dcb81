import { nodePolicyKey } from '../contract/keys.ts';
import { NodePolicy, type Policy } from '../contract/policy.ts';
import { effectivePolicy } from './policy.ts';
import type { Op, Ports, Scalar } from './ports.ts';

/** Tells the nodes their part of the policy: they read this one item, and nothing of the placement. */
export const nodePolicyOp = (policy: Policy): Op & { readonly op: 'put' } => ({
  op: 'put',
  key: nodePolicyKey,
  fields: NodePolicy.parse(policy),
});

/**
 * What nodes were told is what the policy says: also after a deployment changed its defaults, or somebody
 * wrote the policy by hand. What was told is read first and must still stand, so that a late run never
 * puts an old wish over a new one.
 */
export async function tellNodes(ports: Ports): Promise<void> {
  const [told] = await ports.tables.get([nodePolicyKey]);
  const op = nodePolicyOp(await effectivePolicy(ports));
  const asRead = Object.fromEntries(
    Object.keys(op.fields).flatMap((name) => {
      const value = told?.[name];
      return value === undefined ? [] : [[name, value as Scalar]];
    }),
  );
  const isTold = Object.entries(op.fields).every(([name, value]) => asRead[name] === value);
  if (!isTold) await ports.tables.write([{ ...op, when: told === undefined ? 'absent' : asRead }]);
}
