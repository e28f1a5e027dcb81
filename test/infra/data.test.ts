import { beforeAll, describe, expect, test } from 'vitest';
import { ofType, type Resources, synthesise } from './synthesis.ts';

let all: Resources;
beforeAll(() => {
  all = synthesise().all;
});

const typesOf = (resources: Resources) => new Set(Object.values(resources).map(({ Type }) => Type));

describe('tables', () => {
  test('are three, on demand, recoverable, protected and encrypted with the one key', () => {
    const tables = ofType(all, 'AWS::DynamoDB::Table').map(([, { Properties }]) => Properties);
    expect(tables).toHaveLength(3);
    for (const table of tables) {
      expect(table).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      });
      expect(table.GlobalSecondaryIndexes).toBeUndefined();
    }
    expect(new Set(tables.map((table) => JSON.stringify(table.SSESpecification))).size).toBe(1);
  });

  test('placement and heartbeats forget items by expiresAt, files never', () => {
    const ttl = Object.fromEntries(
      ofType(all, 'AWS::DynamoDB::Table').map(([id, { Properties }]) => [
        id.replace(/^Data|[0-9A-F]{8}$/g, ''),
        Properties.TimeToLiveSpecification?.AttributeName,
      ]),
    );
    expect(ttl).toEqual({ Placement: 'expiresAt', Heartbeats: 'expiresAt', Files: undefined });
  });
});

test('what holds state outlives its stack', () => {
  const stateful = [
    'AWS::DynamoDB::Table',
    'AWS::KMS::Key',
    'AWS::S3::Bucket',
    'AWS::SecretsManager::Secret',
  ];
  expect([...typesOf(all)]).toEqual(expect.arrayContaining(stateful));
  for (const [id, resource] of Object.entries(all)) {
    if (!stateful.includes(resource.Type)) continue;
    expect([id, resource.DeletionPolicy, resource.UpdateReplacePolicy]).toEqual([
      id,
      'Retain',
      'Retain',
    ]);
  }
});

test('what is deleted with its stack holds nothing that lasts', () => {
  const deleted = Object.values(all).filter(({ DeletionPolicy }) => DeletionPolicy === 'Delete');
  const types = new Set(deleted.map(({ Type }) => Type));
  expect([...types].sort()).toEqual(['AWS::SQS::Queue', 'AWS::StepFunctions::StateMachine']);
});

test('the key rotates', () => {
  const [[, key]] = ofType(all, 'AWS::KMS::Key') as [[string, Resources[string]]];
  expect(key.Properties.EnableKeyRotation).toBe(true);
});

test('the bucket is private, versioned, encrypted and speaks TLS only', () => {
  const [[, bucket]] = ofType(all, 'AWS::S3::Bucket') as [[string, Resources[string]]];
  expect(bucket.Properties).toMatchObject({
    VersioningConfiguration: { Status: 'Enabled' },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
  });
  const encryption = JSON.stringify(bucket.Properties.BucketEncryption);
  expect(encryption).toContain('"SSEAlgorithm":"aws:kms"');
});

test.each(['AWS::S3::BucketPolicy', 'AWS::SQS::QueuePolicy'])(
  '%s denies what is not TLS',
  (type) => {
    const policies = ofType(all, type);
    expect(policies.length).toBeGreaterThan(0);
    for (const [, { Properties }] of policies) {
      expect(Properties.PolicyDocument.Statement).toContainEqual(
        expect.objectContaining({
          Effect: 'Deny',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      );
    }
  },
);

test('the secret is made by AWS, never written in the template', () => {
  const [[, secret]] = ofType(all, 'AWS::SecretsManager::Secret') as [[string, Resources[string]]];
  expect(secret.Properties.SecretString).toBeUndefined();
  expect(secret.Properties.GenerateSecretString).toEqual({
    PasswordLength: 64,
    ExcludePunctuation: true,
  });
});
