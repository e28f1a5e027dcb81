import { policyKey } from '../contract/keys.ts';
import { Policy } from '../contract/policy.ts';
import type { Item, Ports } from './ports.ts';

/** A policy is read again once it is older than this: operators see what they set within seconds. */
const ageMsMax = 5_000;

/** What operators set, over the deployment's own ({@link policyOver}). */
export async function effectivePolicy(ports: Ports): Promise<Policy> {
  const [item] = await ports.tables.get([policyKey]);
  return policyOver(ports, item);
}

/**
 * The policy in force, by the item that was read under {@link policyKey}. One that makes no policy is ignored as a
 * whole and said in the log: half of somebody's wishes is nobody's policy.
 */
export function policyOver(ports: Ports, item: Item | undefined): Policy {
  if (item === undefined) return ports.policy;
  const parsed = Policy.safeParse({ ...ports.policy, ...item });
  if (parsed.success) return parsed.data;
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  ports.log('policy-ignored', { wrong });
  return ports.policy;
}

/** The same ports under the policy in force. */
export const withPolicy = async (ports: Ports): Promise<Ports> => ({
  ...ports,
  policy: await effectivePolicy(ports),
});

/** As {@link withPolicy}, for one process that serves many calls: one read in {@link ageMsMax} at most. */
export function policyReader(ports: Ports): () => Promise<Ports> {
  let known: Ports | undefined;
  let readAt = 0;
  return async () => {
    const now = ports.now();
    if (known === undefined || Math.abs(now - readAt) >= ageMsMax) {
      known = await withPolicy(ports);
      readAt = now;
    }
    return known;
  };
}
