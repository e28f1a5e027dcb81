import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

/** Items carry the epoch second after which DynamoDB may drop them under this name. */
const timeToLive = 'expiresAt';

/**
 * What must survive: the placement is the only truth about where bytes are, so losing it loses them all.
 * Nothing in here is ever deleted or replaced by a deployment.
 */
export class FleetData extends Construct {
  /** Encrypts tables, bucket, secret and the nodes' volumes. */
  readonly key: Key;
  readonly placement: Table;
  readonly files: Table;
  /** The only table that nodes may write. */
  readonly heartbeats: Table;
  /** Plans and certificates. */
  readonly bucket: Bucket;
  /** Capabilities are signed with a key derived from it. */
  readonly secret: Secret;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      description: 'Ballast: placement, files, certificates and the bytes on the nodes',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.placement = this.#table('Placement', timeToLive);
    this.files = this.#table('Files');
    this.heartbeats = this.#table('Heartbeats', timeToLive);
    this.bucket = this.#controlBucket();
    this.secret = this.#capabilitySecret();
  }

  #table(id: string, timeToLiveAttribute?: string): Table {
    return new Table(this, id, {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: this.key,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      ...(timeToLiveAttribute !== undefined && { timeToLiveAttribute }),
    });
  }

  #controlBucket(): Bucket {
    const bucket = new Bucket(this, 'Control', {
      encryption: BucketEncryption.KMS,
      encryptionKey: this.key,
      bucketKeyEnabled: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'One function writes certificates here and people read them; CloudTrail data events, which name ' +
        'the caller, serve an audit better than a second bucket of access logs that would need its own.',
    });
    return bucket;
  }

  #capabilitySecret(): Secret {
    const secret = new Secret(this, 'Capability', {
      description: 'Ballast: seed of the key that signs requests to storage nodes',
      encryptionKey: this.key,
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      removalPolicy: RemovalPolicy.RETAIN,
    });
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'A node learns the public half when it is launched: a rotation on a schedule would lock every ' +
        'running node out. Rotating means launching nodes anew (docs/runbook.md); capabilities live minutes.',
    });
    return secret;
  }
}
