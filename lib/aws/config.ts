import type { z } from 'zod/mini';
import { ControlEnv } from '../contract/env.ts';
import type { TableName } from '../contract/keys.ts';
import { Policy } from '../contract/policy.ts';
import type { WorkflowName } from '../control/ports.ts';
import { type Zone, zone } from '../core/ids.ts';
import type { Urgency } from '../core/schedule.ts';

/** What the adapters need to know, parsed. */
export interface Settings {
  readonly fleet: string;
  readonly tables: Readonly<Record<TableName, string>>;
  readonly bucket: string;
  readonly secret: string;
  readonly launchTemplate: string;
  /** Where a zone's nodes are launched. */
  readonly subnets: ReadonlyMap<Zone, string>;
  readonly queues: Readonly<Record<Urgency, string>>;
  readonly sweepQueue: string;
  readonly eventBus: string;
  readonly workflows: Readonly<Record<WorkflowName, string>>;
  readonly policy: Policy;
  /** Of the agents. */
  readonly port: number;
}

/** Settings that do not let a process start: one line for each wrong one. */
export class BadSettings extends Error {
  override readonly name = 'BadSettings';
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws BadSettings that names every wrong setting with its value and what was expected */
export function parseSettings(environment: Environment): Settings {
  const env = parseEnv(environment);
  const subnets = parseSubnets(env.BALLAST_SUBNETS);
  const policy = parsePolicy(env.BALLAST_POLICY);
  const port = parsePort(env.BALLAST_PORT);
  if (typeof policy === 'string' || typeof subnets === 'string' || typeof port === 'string') {
    return refuse([policy, subnets, port].filter((part) => typeof part === 'string'));
  }
  return { ...namesIn(env), subnets, policy, port };
}

function parseEnv(environment: Environment): ControlEnv {
  const parsed = ControlEnv.safeParse(environment);
  if (parsed.success) return parsed.data;
  const names = parsed.error.issues.map((issue) => String(issue.path[0]));
  return refuse(names.map((name) => wrong(name, environment[name], 'a text')));
}

const namesIn = (env: ControlEnv) => ({
  fleet: env.BALLAST_FLEET,
  tables: {
    placement: env.BALLAST_TABLE,
    files: env.BALLAST_FILES_TABLE,
    heartbeats: env.BALLAST_HEARTBEATS_TABLE,
  },
  bucket: env.BALLAST_BUCKET,
  secret: env.BALLAST_SECRET,
  launchTemplate: env.BALLAST_LAUNCH_TEMPLATE,
  queues: {
    critical: env.BALLAST_QUEUE_CRITICAL,
    high: env.BALLAST_QUEUE_HIGH,
    normal: env.BALLAST_QUEUE_NORMAL,
    low: env.BALLAST_QUEUE_LOW,
  },
  sweepQueue: env.BALLAST_QUEUE_SWEEP,
  eventBus: env.BALLAST_EVENT_BUS,
  workflows: {
    'scale-out': env.BALLAST_WORKFLOW_SCALE_OUT,
    drain: env.BALLAST_WORKFLOW_DRAIN,
    rebalance: env.BALLAST_WORKFLOW_REBALANCE,
    repair: env.BALLAST_WORKFLOW_REPAIR,
  },
});

/** Each parser answers the value, or the sentence that says what is wrong with it. */
function parseSubnets(text: string): ReadonlyMap<Zone, string> | string {
  const pairs = text.split(',').map((pair) => pair.split('='));
  const isGood = pairs.every(([name, subnet, ...rest]) => name && subnet && rest.length === 0);
  if (!isGood) return wrong('BALLAST_SUBNETS', text, 'zone=subnet, separated by commas');
  return new Map(pairs.map(([name, subnet]) => [zone(name!), subnet!]));
}

function parsePort(text: string): number | string {
  const port = Number(text);
  const isGood = Number.isInteger(port) && port >= 1 && port <= 65_535;
  return isGood ? port : wrong('BALLAST_PORT', text, 'a port from 1 to 65535');
}

function parsePolicy(text: string): Policy | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong('BALLAST_POLICY', text, 'JSON');
  }
  const parsed = Policy.safeParse(value);
  if (parsed.success) return parsed.data;
  return parsed.error.issues
    .map((issue) =>
      wrong(`BALLAST_POLICY.${issue.path.join('.')}`, at(value, issue.path), said(issue)),
    )
    .join('\n');
}

const at = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((inner, step) => (inner as Record<PropertyKey, unknown>)?.[step], value);

/** zod/mini without a locale says `Invalid input` and no more. */
function said(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return `a ${issue.expected}`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}`;
  return issue.message;
}

const valueCharactersMax = 80;

function wrong(name: string, value: unknown, expected: string): string {
  const shown =
    value === undefined ? 'not set' : JSON.stringify(value).slice(0, valueCharactersMax);
  return `${name} is ${shown}, expected ${expected}`;
}

function refuse(lines: readonly string[]): never {
  throw new BadSettings(lines.join('\n'));
}
