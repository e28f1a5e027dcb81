import type { TransactWriteCommandInput } from '@aws-sdk/lib-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import type { Key, TableName } from '../contract/keys.ts';
import type { Fields, Item, Op, Refusal } from '../control/ports.ts';
import { conditionOf, defined, type Expression, updateOf } from './expressions.ts';

/** What a deployment calls its tables. */
export type Names = Readonly<Record<TableName, string>>;
export type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** An op as an item of a transaction; its parts are the plain requests' inputs too. */
export function transactItem(op: Op, names: Names): TransactItem {
  const TableName = names[op.key.table];
  const Key = { pk: op.key.pk, sk: op.key.sk };
  const condition = conditionOf(op.when);
  const guarded = {
    TableName,
    ...(condition.text !== '' && { ConditionExpression: condition.text }),
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  switch (op.op) {
    case 'put':
      return { Put: { ...guarded, Item: itemOf(op.key, op.fields), ...mentioned(condition) } };
    case 'delete':
      return { Delete: { ...guarded, Key, ...mentioned(condition) } };
    case 'check': {
      const ConditionExpression = condition.text;
      return { ConditionCheck: { ...guarded, Key, ConditionExpression, ...mentioned(condition) } };
    }
    case 'update': {
      const update = updateOf(op);
      const UpdateExpression = update.text;
      return { Update: { ...guarded, Key, UpdateExpression, ...mentioned(condition, update) } };
    }
  }
}

const itemOf = ({ pk, sk }: Key, fields: Fields) => ({ ...defined(fields), pk, sk });

/** DynamoDB refuses names and values that are given but not mentioned, and empty lists of them. */
function mentioned(...expressions: readonly Expression[]) {
  const names = Object.assign({}, ...expressions.map((each) => each.names));
  const values = Object.assign({}, ...expressions.map((each) => each.values));
  return {
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

export const batchRequest = (op: Op & { readonly op: 'put' | 'delete' }) =>
  op.op === 'put'
    ? { PutRequest: { Item: itemOf(op.key, op.fields) } }
    : { DeleteRequest: { Key: { pk: op.key.pk, sk: op.key.sk } } };

interface RefusedError {
  /** Of one conditional request. */
  readonly Item?: Marshalled;
  /** Of a transaction, by op. */
  readonly CancellationReasons?: readonly { readonly Code?: string; readonly Item?: Marshalled }[];
}
type Marshalled = Parameters<typeof unmarshall>[0];

/**
 * The refusals in an error that says that conditions failed. The document client leaves errors as
 * they came.
 */
export function refusalsIn(error: unknown): readonly Refusal[] {
  const { Item, CancellationReasons } = error as RefusedError;
  if (CancellationReasons === undefined) return [{ op: 0, current: itemIn(Item) }];
  return CancellationReasons.flatMap((reason, op) =>
    reason.Code === 'ConditionalCheckFailed' ? [{ op, current: itemIn(reason.Item) }] : [],
  );
}

const itemIn = (item: Marshalled | undefined): Item | undefined =>
  item === undefined ? undefined : (unmarshall(item) as Item);
