import type { JobRecord } from '../../lib/contract/job-records.ts';
import { readJob } from '../../lib/control/jobs.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { jobId } from '../../lib/core/ids.ts';
import { until } from './local-store.ts';

/** The job once it no longer runs; a command that is asked over and over would take the job's processor. */
export const ending = (ports: Ports, job: string, seconds: number): Promise<JobRecord> =>
  until('the job ends', seconds, async () => {
    const now = await readJob(ports.tables, jobId(job));
    return now?.state !== 'running' && now;
  });
