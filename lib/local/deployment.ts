import { z } from 'zod/mini';
import type { AlarmSettings } from './alarms.ts';
import type { Assembly } from './assembly.ts';
import type { LaunchTemplate } from './ec2-api.ts';
import type { Identity } from './identity.ts';
import { LocalCloudRefusal } from './refusal.ts';
import type { Resolver } from './resolver.ts';
import type { SecretSettings } from './secrets.ts';

/** What the template asks for, resolved: plain settings, in no order but that of their kinds. */
export interface Deployment {
  readonly tables: TableSettings[];
  readonly queues: QueueSettings[];
  readonly buckets: string[];
  readonly secrets: SecretSettings[];
  readonly functions: FunctionPlan[];
  readonly asyncInvokes: AsyncInvokePlan[];
  readonly eventSources: EventSourcePlan[];
  readonly workflows: WorkflowPlan[];
  readonly alarms: AlarmSettings[];
  readonly composites: { readonly settings: AlarmSettings; readonly rule: string }[];
  readonly rules: RulePlan[];
  readonly launchTemplates: LaunchTemplate[];
  readonly subnets: Map<string, string>;
}

export interface TableSettings {
  readonly name: string;
  /** The input of DynamoDB's CreateTable. */
  readonly create: Readonly<Record<string, unknown>>;
  readonly ttlAttribute: string | undefined;
}

export interface QueueSettings {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface FunctionPlan {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly code: { readonly directory: string } | { readonly inline: string };
  readonly handler: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly reserved: number | undefined;
  readonly deadLetterArn: string | undefined;
}

export interface AsyncInvokePlan {
  readonly functionReference: string;
  readonly retriesMax: number | undefined;
  readonly deadLetterArn: string | undefined;
}

export interface EventSourcePlan {
  readonly logicalId: string;
  readonly queueArn: string;
  readonly functionReference: string;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly concurrencyMax: number;
  readonly reportsItemFailures: 'yes' | 'no';
}

export interface WorkflowPlan {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly definition: string;
}

export interface TargetPlan {
  readonly arn: string;
  readonly input: string | undefined;
  readonly inputPath: string | undefined;
  readonly transformer:
    | { readonly paths: Readonly<Record<string, string>>; readonly template: string }
    | undefined;
}

export interface RulePlan {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly pattern: unknown;
  readonly schedule: string | undefined;
  readonly targets: readonly TargetPlan[];
}

export const emptyDeployment = (): Deployment => ({
  tables: [],
  queues: [],
  buckets: [],
  secrets: [],
  functions: [],
  asyncInvokes: [],
  eventSources: [],
  workflows: [],
  alarms: [],
  composites: [],
  rules: [],
  launchTemplates: [],
  subnets: new Map(),
});

/** One resource of a template with its intrinsic functions resolved. */
export interface Resolved {
  readonly logicalId: string;
  readonly type: string;
  readonly identity: Identity;
  readonly properties: unknown;
  readonly resolver: Resolver;
  readonly assembly: Assembly;
}

export type Planner = (resource: Resolved, deployment: Deployment) => void;

/** A resource's properties by a schema, or a refusal that names the resource and every field that is wrong. */
export function propertiesOf<Shape extends z.core.$ZodType>(
  { logicalId, type, properties }: Resolved,
  shape: Shape,
): z.output<Shape> {
  const parsed = z.safeParse(shape, properties);
  if (parsed.success) return parsed.data;
  throw new LocalCloudRefusal(
    'unsupported-property',
    `${type} ${logicalId} cannot run locally: ${z.prettifyError(parsed.error)}`,
  );
}

export const refuseProperty = (
  { logicalId, type }: Resolved,
  why: string,
  cause?: unknown,
): LocalCloudRefusal =>
  new LocalCloudRefusal('unsupported-property', `${type} ${logicalId}: ${why}.`, { cause });
