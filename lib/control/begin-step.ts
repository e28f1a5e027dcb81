import { JobRecord } from '../contract/job-records.ts';
import { jobKey, policyKey } from '../contract/keys.ts';
import type { JobId } from '../core/ids.ts';
import type { Job } from './jobs.ts';
import { policyOver } from './policy.ts';
import type { Ports } from './ports.ts';

/** What a step of a workflow begins with: its job, and the ports under the policy in force, by one read. */
export async function beginStep(
  ports: Ports,
  id: JobId,
): Promise<{ readonly ports: Ports; readonly job: Job | undefined }> {
  const [wish, item] = await ports.tables.get([policyKey, jobKey(id)]);
  return {
    ports: { ...ports, policy: policyOver(ports, wish) },
    job: item === undefined ? undefined : { ...JobRecord.parse(item), id },
  };
}
