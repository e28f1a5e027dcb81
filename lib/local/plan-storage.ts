import { z } from 'zod/mini';
import { type Deployment, type Planner, propertiesOf, type Resolved } from './deployment.ts';
import { GenerateSecret } from './secrets.ts';

const Table = z.object({
  KeySchema: z.array(z.unknown()),
  AttributeDefinitions: z.array(z.unknown()),
  GlobalSecondaryIndexes: z.optional(z.array(z.record(z.string(), z.unknown()))),
  LocalSecondaryIndexes: z.optional(z.array(z.unknown())),
  TimeToLiveSpecification: z.optional(
    z.object({ AttributeName: z.optional(z.string()), Enabled: z.boolean() }),
  ),
});

const indexFields = ['IndexName', 'KeySchema', 'Projection'];

/** Locally every table is on demand: capacity, recovery, encryption and protection have no effect. */
const planTable: Planner = (resource, { tables }) => {
  const table = propertiesOf(resource, Table);
  const { TimeToLiveSpecification: ttl } = table;
  const indexes = table.GlobalSecondaryIndexes?.map((index) =>
    Object.fromEntries(Object.entries(index).filter(([field]) => indexFields.includes(field))),
  );
  tables.push({
    name: resource.identity.name,
    ttlAttribute: ttl?.Enabled ? ttl.AttributeName : undefined,
    create: {
      TableName: resource.identity.name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: table.KeySchema,
      AttributeDefinitions: table.AttributeDefinitions,
      ...(indexes ? { GlobalSecondaryIndexes: indexes } : {}),
      ...(table.LocalSecondaryIndexes
        ? { LocalSecondaryIndexes: table.LocalSecondaryIndexes }
        : {}),
    },
  });
};

const seconds = z.optional(z.coerce.string());
const Queue = z.object({
  VisibilityTimeout: seconds,
  MessageRetentionPeriod: seconds,
  DelaySeconds: seconds,
  ReceiveMessageWaitTimeSeconds: seconds,
  MaximumMessageSize: seconds,
  FifoQueue: z.optional(z.boolean()),
  ContentBasedDeduplication: z.optional(z.boolean()),
  RedrivePolicy: z.optional(
    z.object({ deadLetterTargetArn: z.string(), maxReceiveCount: z.coerce.number() }),
  ),
});

/** Every attribute is given, with SQS's default where the template has none, so that a removed one resets. */
const planQueue: Planner = (resource, { queues }) => {
  const queue = propertiesOf(resource, Queue);
  const { ref, name, attributes } = resource.identity;
  queues.push({
    name,
    arn: attributes.Arn ?? '',
    url: ref,
    attributes: {
      VisibilityTimeout: queue.VisibilityTimeout ?? '30',
      MessageRetentionPeriod: queue.MessageRetentionPeriod ?? '345600',
      DelaySeconds: queue.DelaySeconds ?? '0',
      ReceiveMessageWaitTimeSeconds: queue.ReceiveMessageWaitTimeSeconds ?? '0',
      ...(queue.MaximumMessageSize ? { MaximumMessageSize: queue.MaximumMessageSize } : {}),
      ...(queue.RedrivePolicy ? { RedrivePolicy: JSON.stringify(queue.RedrivePolicy) } : {}),
      ...(queue.FifoQueue
        ? {
            FifoQueue: 'true',
            ContentBasedDeduplication: `${queue.ContentBasedDeduplication ?? false}`,
          }
        : {}),
    },
  });
};

const Secret = z.object({
  SecretString: z.optional(z.string()),
  GenerateSecretString: z.optional(GenerateSecret),
});

function planSecret(resource: Resolved, { secrets }: Deployment): void {
  const { SecretString: fixed, GenerateSecretString: generate } = propertiesOf(resource, Secret);
  const { ref: arn, name } = resource.identity;
  secrets.push({ arn, name, fixed, generate });
}

export const storagePlanners: Readonly<Record<string, Planner>> = {
  'AWS::DynamoDB::Table': planTable,
  'AWS::DynamoDB::GlobalTable': planTable,
  'AWS::SQS::Queue': planQueue,
  'AWS::S3::Bucket': ({ identity }, { buckets }) => void buckets.push(identity.name),
  'AWS::SecretsManager::Secret': planSecret,
};
