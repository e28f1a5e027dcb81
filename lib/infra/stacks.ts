import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { FleetData } from './fleet-data.ts';
import { StorageFleet, type StorageFleetProps } from './storage-fleet.ts';

/** What must survive, apart from what is replaced often. */
export class DataStack extends Stack {
  readonly data: FleetData;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    this.data = new FleetData(this, 'Data');
  }
}

/**
 * W3005: aws-cdk-lib orders a role before its user although a reference does so already. W6001: the
 * settings name what lies in the data stack, so that people need to look at one output only.
 */
const lintAccepted = ['W3005', 'W6001'];

export interface FleetStackProps extends StackProps, StorageFleetProps {}

/** Everything else; it may be deleted and deployed again over the same data. */
export class FleetStack extends Stack {
  readonly fleet: StorageFleet;

  constructor(scope: Construct, id: string, props: FleetStackProps) {
    super(scope, id, props);
    this.fleet = new StorageFleet(this, 'Fleet', props);
    this.templateOptions.metadata = { 'cfn-lint': { config: { ignore_checks: lintAccepted } } };
  }
}
