import type { TableSettings } from './deployment.ts';
import type { JsonCall } from './internal-client.ts';
import { AwsError, LocalCloudRefusal } from './refusal.ts';

type Index = { IndexName: string };
type Description = { KeySchema?: unknown; GlobalSecondaryIndexes?: Index[] };

/** Creates a table, or checks that the one from an earlier run still fits the template. */
export async function deployTable(call: JsonCall, table: TableSettings): Promise<void> {
  const known = await describe(call, table.name);
  if (known) checkSame(table, known);
  else await call('dynamodb', 'DynamoDB_20120810.CreateTable', table.create);
  if (table.ttlAttribute !== undefined) await enableTtl(call, table.name, table.ttlAttribute);
}

async function describe(call: JsonCall, TableName: string): Promise<Description | undefined> {
  try {
    const answer = await call('dynamodb', 'DynamoDB_20120810.DescribeTable', { TableName });
    return answer.Table as Description;
  } catch (error) {
    if (error instanceof AwsError && error.code === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

const indexNames = (indexes: unknown): string =>
  ((indexes ?? []) as Index[])
    .map(({ IndexName }) => IndexName)
    .sort()
    .join(', ');

function checkSame({ name, create }: TableSettings, known: Description): void {
  const wanted = indexNames(create.GlobalSecondaryIndexes);
  const had = indexNames(known.GlobalSecondaryIndexes);
  const sameKeys = JSON.stringify(create.KeySchema) === JSON.stringify(known.KeySchema);
  if (sameKeys && wanted === had) return;
  throw new LocalCloudRefusal(
    'unsupported-property',
    `Table ${name} exists in this home with other keys or indexes (${had || 'no index'}) than the template ` +
      `now has (${wanted || 'no index'}); start with a new home.`,
  );
}

async function enableTtl(call: JsonCall, TableName: string, AttributeName: string): Promise<void> {
  const described = await call('dynamodb', 'DynamoDB_20120810.DescribeTimeToLive', { TableName });
  const { TimeToLiveStatus: status } = (described.TimeToLiveDescription ?? {}) as {
    TimeToLiveStatus?: string;
  };
  if (status === 'ENABLED' || status === 'ENABLING') return;
  const TimeToLiveSpecification = { AttributeName, Enabled: true };
  const input = { TableName, TimeToLiveSpecification };
  await call('dynamodb', 'DynamoDB_20120810.UpdateTimeToLive', input);
}
