import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod/mini';
import { type Planner, propertiesOf, refuseProperty } from './deployment.ts';
import { readUserData } from './user-data.ts';

const LambdaFunction = z.object({
  Code: z.object({ S3Key: z.optional(z.string()), ZipFile: z.optional(z.string()) }),
  Handler: z.string(),
  Runtime: z.string().check(z.regex(/^nodejs/)),
  Timeout: z.optional(z.coerce.number()),
  MemorySize: z.optional(z.coerce.number()),
  ReservedConcurrentExecutions: z.optional(z.coerce.number()),
  DeadLetterConfig: z.optional(z.object({ TargetArn: z.optional(z.string()) })),
  Environment: z.optional(
    z.object({ Variables: z.optional(z.record(z.string(), z.coerce.string())) }),
  ),
});

/** Functions that CDK adds to serve custom resources: nothing invokes them locally. */
const servesCustomResources = /^Custom|CustomResourceProvider|^LogRetention|SingletonLambda/;

const planFunction: Planner = (resource, { functions }) => {
  if (servesCustomResources.test(resource.logicalId)) return;
  const wanted = propertiesOf(resource, LambdaFunction);
  const { S3Key, ZipFile } = wanted.Code;
  const directory = S3Key === undefined ? undefined : resource.assembly.asset(S3Key);
  if (ZipFile === undefined && (directory === undefined || !existsSync(directory)))
    throw refuseProperty(resource, `the assembly has no asset for its code ${S3Key}`);
  const { name, attributes } = resource.identity;
  functions.push({
    logicalId: resource.logicalId,
    name,
    arn: attributes.Arn ?? '',
    code: directory === undefined ? { inline: ZipFile ?? '' } : { directory },
    handler: wanted.Handler,
    environment: wanted.Environment?.Variables ?? {},
    timeoutSeconds: wanted.Timeout ?? 3,
    memoryMb: wanted.MemorySize ?? 128,
    reserved: wanted.ReservedConcurrentExecutions,
    deadLetterArn: wanted.DeadLetterConfig?.TargetArn,
  });
};

const EventInvokeConfig = z.object({
  FunctionName: z.string(),
  MaximumRetryAttempts: z.optional(z.coerce.number()),
  DestinationConfig: z.optional(
    z.object({ OnFailure: z.optional(z.object({ Destination: z.string() })) }),
  ),
});

const planAsyncInvoke: Planner = (resource, { asyncInvokes }) => {
  const config = propertiesOf(resource, EventInvokeConfig);
  asyncInvokes.push({
    functionReference: config.FunctionName,
    retriesMax: config.MaximumRetryAttempts,
    deadLetterArn: config.DestinationConfig?.OnFailure?.Destination,
  });
};

const EventSourceMapping = z.object({
  EventSourceArn: z.string(),
  FunctionName: z.string(),
  BatchSize: z.optional(z.coerce.number()),
  Enabled: z.optional(z.boolean()),
  MaximumBatchingWindowInSeconds: z.optional(z.coerce.number()),
  FunctionResponseTypes: z.optional(z.array(z.string())),
  ScalingConfig: z.optional(z.object({ MaximumConcurrency: z.optional(z.coerce.number()) })),
});

/** Lambda begins with five pollers on a queue. */
const pollersDefault = 5;

const planEventSource: Planner = (resource, { eventSources }) => {
  const mapping = propertiesOf(resource, EventSourceMapping);
  if (!mapping.EventSourceArn.includes(':sqs:'))
    throw refuseProperty(resource, `its source ${mapping.EventSourceArn} is no SQS queue`);
  if (mapping.Enabled === false) return;
  eventSources.push({
    logicalId: resource.logicalId,
    queueArn: mapping.EventSourceArn,
    functionReference: mapping.FunctionName,
    batchSize: mapping.BatchSize ?? 10,
    windowSeconds: mapping.MaximumBatchingWindowInSeconds ?? 0,
    concurrencyMax: mapping.ScalingConfig?.MaximumConcurrency ?? pollersDefault,
    reportsItemFailures: mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures')
      ? 'yes'
      : 'no',
  });
};

const StateMachine = z.object({
  RoleArn: z.optional(z.string()),
  StateMachineType: z.optional(z.string()),
  DefinitionString: z.optional(z.string()),
  Definition: z.optional(z.unknown()),
  DefinitionS3Location: z.optional(z.object({ Key: z.string() })),
  DefinitionSubstitutions: z.optional(z.record(z.string(), z.coerce.string())),
});

const planWorkflow: Planner = (resource, { workflows }) => {
  const machine = propertiesOf(resource, StateMachine);
  if (machine.StateMachineType === 'EXPRESS')
    throw refuseProperty(resource, 'express workflows do not run locally');
  const { Definition, DefinitionS3Location: location } = machine;
  const file = location && resource.assembly.asset(location.Key);
  if (location && !file) throw refuseProperty(resource, `no asset ${location.Key}`);
  const text =
    machine.DefinitionString ?? (file ? readFileSync(file, 'utf8') : JSON.stringify(Definition));
  const { name, ref } = resource.identity;
  const given = machine.DefinitionSubstitutions ?? {};
  const definition = text.replace(/\$\{([^}]+)\}/g, (whole, key: string) => given[key] ?? whole);
  workflows.push({ name, arn: ref, roleArn: machine.RoleArn ?? '', definition });
};

const LaunchTemplate = z.object({
  LaunchTemplateData: z.object({
    ImageId: z.optional(z.string()),
    InstanceType: z.optional(z.string()),
    UserData: z.optional(z.string()),
    DisableApiTermination: z.optional(z.boolean()),
    NetworkInterfaces: z.optional(z.array(z.object({ SubnetId: z.optional(z.string()) }))),
    TagSpecifications: z.optional(
      z.array(
        z.object({
          ResourceType: z.string(),
          Tags: z.array(z.object({ Key: z.string(), Value: z.coerce.string() })),
        }),
      ),
    ),
  }),
});

const planLaunchTemplate: Planner = (resource, { launchTemplates }) => {
  const { LaunchTemplateData: data } = propertiesOf(resource, LaunchTemplate);
  try {
    readUserData(data.UserData ?? '');
  } catch (cause) {
    throw refuseProperty(resource, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const specifications = data.TagSpecifications ?? [];
  const tags = specifications.filter(({ ResourceType }) => ResourceType === 'instance');
  launchTemplates.push({
    id: resource.identity.ref,
    name: resource.identity.name,
    data: {
      imageId: data.ImageId ?? '',
      instanceType: data.InstanceType ?? '',
      userData: data.UserData ?? '',
      protection: data.DisableApiTermination ? 'on' : 'off',
      subnetId: data.NetworkInterfaces?.[0]?.SubnetId,
      tags: Object.fromEntries(
        tags.flatMap(({ Tags }) => Tags.map(({ Key, Value }) => [Key, Value])),
      ),
    },
  });
};

export const computePlanners: Readonly<Record<string, Planner>> = {
  'AWS::Lambda::Function': planFunction,
  'AWS::Lambda::EventInvokeConfig': planAsyncInvoke,
  'AWS::Lambda::EventSourceMapping': planEventSource,
  'AWS::StepFunctions::StateMachine': planWorkflow,
  'AWS::EC2::LaunchTemplate': planLaunchTemplate,
  'AWS::EC2::Subnet': ({ identity: { ref, attributes } }, { subnets }) =>
    void subnets.set(ref, attributes.AvailabilityZone ?? ''),
};
