import { JobInput } from '../contract/messages.ts';
import { policyReader } from '../control/policy.ts';
import type { Ports } from '../control/ports.ts';
import { type JobId, jobId } from '../core/ids.ts';
import { parseSettings } from './config.ts';
import { structuredLog } from './logger.ts';
import { type Parts, portsFrom } from './ports.ts';
import { dynamoTables } from './tables.ts';

/** The ports of a Lambda function: tables, a log, and what else it names. */
export const functionPorts = (parts: Partial<Parts>): Ports =>
  portsFrom(parseSettings(process.env), { tables: dynamoTables, log: structuredLog, ...parts });

/** Runs what a function does under the policy in force. What is parsed before costs no call. */
export function underPolicy<Input, Result>(
  ports: Ports,
  work: (ports: Ports, input: Input) => Promise<Result>,
): (input: Input) => Promise<Result> {
  const current = policyReader(ports);
  return async (input) => work(await current(), input);
}

/** A handler of a step that reads the policy together with its job: its event names the job. */
export function stepHandler<Result>(
  parts: Partial<Parts>,
  step: (ports: Ports, job: JobId) => Promise<Result>,
): (event: unknown) => Promise<Result> {
  const ports = functionPorts(parts);
  return async (event) => step(ports, jobId(JobInput.parse(event).job));
}

/** A handler of a step that reads more than its job, under the policy. */
export function jobHandler<Result>(
  parts: Partial<Parts>,
  step: (ports: Ports, job: JobId) => Promise<Result>,
): (event: unknown) => Promise<Result> {
  const run = underPolicy(functionPorts(parts), step);
  return async (event) => run(jobId(JobInput.parse(event).job));
}
