import { Fn } from 'aws-cdk-lib';
import {
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type ISecurityGroup,
  type ISubnet,
  type IVpc,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

export interface NetworkProps {
  /** With private subnets in five zones at most. @default a new one: three zones, no way to or from the internet */
  readonly vpc?: IVpc;
  /** Agents listen here. */
  readonly port: number;
}

const zoneCount = 3;
/** The fill alarms read two metrics a zone, and CloudWatch lets an alarm read ten. */
const zonesMax = 5;
/** An endpoint costs by the zone: two outlive the loss of one. */
const endpointZones = 2;

/** What functions in the network, nodes, clients and operators' shells call besides DynamoDB and S3. */
const services = {
  Sqs: InterfaceVpcEndpointAwsService.SQS,
  States: InterfaceVpcEndpointAwsService.STEP_FUNCTIONS,
  Ec2: InterfaceVpcEndpointAwsService.EC2,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Metrics: InterfaceVpcEndpointAwsService.CLOUDWATCH_MONITORING,
  Ssm: InterfaceVpcEndpointAwsService.SSM,
  SsmMessages: InterfaceVpcEndpointAwsService.SSM_MESSAGES,
} as const;

/** Where nodes live, and who may speak with them. */
export class Network extends Construct {
  readonly vpc: IVpc;
  /** One a zone. */
  readonly subnets: readonly ISubnet[];
  readonly nodes: SecurityGroup;
  /** Functions that speak with agents. */
  readonly functions: SecurityGroup;
  /** For programs that read and write files. */
  readonly clients: SecurityGroup;

  constructor(scope: Construct, id: string, props: NetworkProps) {
    super(scope, id);
    this.vpc = props.vpc ?? (this.#isolated() as IVpc);
    this.subnets = nodeSubnets(this.vpc);
    this.nodes = this.#group('Nodes', 'Ballast storage nodes');
    this.functions = this.#group('Functions', 'Ballast functions that speak with nodes');
    this.clients = this.#group('Clients', 'Programs that read and write files in Ballast');
    const agents = Port.tcp(props.port);
    for (const [peer, who] of [
      [this.nodes, 'other nodes'],
      [this.functions, 'functions'],
      [this.clients, 'clients'],
    ] as const) {
      this.nodes.addIngressRule(peer, agents, `from ${who}`);
    }
    if (props.vpc === undefined) this.#endpoints();
  }

  #group(id: string, description: string): SecurityGroup {
    return new SecurityGroup(this, id, {
      vpc: this.vpc,
      description,
      disableInlineRules: true,
    });
  }

  #isolated(): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      // Named by position: a template that names no region still gets three zones.
      availabilityZones: Array.from({ length: zoneCount }, (_, i) => Fn.select(i, Fn.getAzs())),
      subnetConfiguration: [
        { name: 'Nodes', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 20 },
      ],
      natGateways: 0,
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
      // It would add a function of CDK's own to empty a security group that nothing uses.
      restrictDefaultSecurityGroup: false,
    });
    vpc.addFlowLog('Rejected', { trafficType: FlowLogTrafficType.REJECT });
    return vpc;
  }

  #endpoints(): void {
    const group = this.#group('Endpoints', 'Endpoints of AWS services');
    // Clients sign what they ask of nodes with the fleet's secret, and hint the sweep at what they remove.
    for (const peer of [this.nodes, this.functions, this.clients] satisfies ISecurityGroup[]) {
      group.addIngressRule(peer, Port.tcp(443), 'calls to AWS');
    }
    for (const [id, service] of Object.entries(services)) {
      this.vpc.addInterfaceEndpoint(id, {
        service,
        securityGroups: [group],
        open: false,
        subnets: { subnets: this.subnets.slice(0, endpointZones) },
      });
    }
  }
}

/** @throws RangeError where no zone, or more than the alarms can read, has a private subnet */
function nodeSubnets(vpc: IVpc): readonly ISubnet[] {
  const subnets = firstOfEachZone(privateSubnets(vpc));
  if (subnets.length >= 1 && subnets.length <= zonesMax) return subnets;
  throw new RangeError(
    `the vpc has private subnets in ${subnets.length} zones, expected 1 to ${zonesMax}`,
  );
}

const privateSubnets = (vpc: IVpc): readonly ISubnet[] =>
  vpc.privateSubnets.length > 0 ? vpc.privateSubnets : vpc.isolatedSubnets;

function firstOfEachZone(subnets: readonly ISubnet[]): readonly ISubnet[] {
  const byZone = new Map<string, ISubnet>();
  for (const subnet of subnets) {
    if (!byZone.has(subnet.availabilityZone)) byZone.set(subnet.availabilityZone, subnet);
  }
  return [...byZone.values()];
}
