import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { sentOnce } from './client-options.ts';

/** A transaction of a hundred items takes some 100 ms: after 3 s its outcome counts as unknown. */
const requestMsMax = 3_000;

export const dynamoClient = (): DynamoDBDocumentClient =>
  DynamoDBDocumentClient.from(new DynamoDBClient(sentOnce(requestMsMax)), {
    marshallOptions: { removeUndefinedValues: true },
  });
