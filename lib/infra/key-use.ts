import { Stack } from 'aws-cdk-lib';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

type Service = 'dynamodb' | 's3' | 'secretsmanager' | 'ec2';

/**
 * Lets a role use the key for what a service keeps for it, and only through that service. The actions are
 * spelled out: CDK's own grants end in wildcards.
 */
export function allowKey(role: IRole, key: IKey, services: readonly Service[]): void {
  const { region } = Stack.of(role);
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [
        'kms:Decrypt',
        'kms:Encrypt',
        'kms:GenerateDataKey',
        'kms:GenerateDataKeyWithoutPlaintext',
        'kms:ReEncryptFrom',
        'kms:ReEncryptTo',
        'kms:DescribeKey',
      ],
      resources: [key.keyArn],
      conditions: {
        StringEquals: {
          'kms:ViaService': services.map((service) => `${service}.${region}.amazonaws.com`),
        },
      },
    }),
  );
}
