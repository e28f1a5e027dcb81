import { type Notification, notificationsMax, runAlarmActions } from './alarm-actions.ts';
import { AlarmBoard } from './alarm-board.ts';
import type { Children } from './children.ts';
import { cloudwatchBackend } from './cloudwatch-api.ts';
import type { Deployment } from './deployment.ts';
import type { DynamoDb } from './dynamodb.ts';
import { ec2Backend } from './ec2-api.ts';
import { EventBus } from './event-bus.ts';
import { Executions } from './executions.ts';
import { Functions } from './functions.ts';
import type { Home } from './home.ts';
import { Instances } from './instances.ts';
import { jsonCaller } from './internal-client.ts';
import { lambdaBackend } from './lambda-api.ts';
import { metadataBackend } from './metadata-service.ts';
import { Metrics } from './metrics.ts';
import { eventBusKey } from './principals.ts';
import type { QueuesAndBuckets } from './queues-and-buckets.ts';
import { Secrets, secretsBackend } from './secrets.ts';
import { eventsBackend, snsBackend, stsBackend } from './small-apis.ts';
import type { Backend } from './wire.ts';
import { workflowsBackend } from './workflows-api.ts';

export interface Services {
  readonly storage: QueuesAndBuckets;
  readonly metrics: Metrics;
  readonly functions: Functions;
  readonly executions: Executions;
  readonly bus: EventBus;
  readonly alarms: AlarmBoard;
  readonly instances: Instances;
  readonly secrets: Secrets;
  readonly notifications: Notification[];
  readonly recordPublish: (topic: string, subject: string) => void;
}

export interface ServicesGround {
  readonly home: Home;
  readonly children: Children;
  readonly region: string;
  readonly endpoint: string;
  readonly asset: (objectKey: string) => string | undefined;
  /** The user data that a launch template now has. */
  readonly userData: (launchTemplateId: string) => string | undefined;
  readonly log: (line: string) => void;
}

/** Every service of the local cloud, empty: provision.ts fills them from the template. */
export function buildServices(storage: QueuesAndBuckets, ground: ServicesGround): Services {
  const { home, children, region, endpoint, asset, userData, log } = ground;
  const notifications: Notification[] = [];
  const metrics = new Metrics();
  const call = jsonCaller(() => endpoint, region, eventBusKey);
  const send = (QueueUrl: string, MessageBody: string) =>
    call('sqs', 'AmazonSQS.SendMessage', { QueueUrl, MessageBody });
  const functions = new Functions({ home, children, metrics, log, send });
  const bus = new EventBus(region, log);
  const targets = { functions, bus, region, log, notifications };
  const alarms = new AlarmBoard(metrics, (change) => runAlarmActions(change, targets));
  const onState = ({ id, state }: { id: string; state: string }): void => {
    log(`instance ${id}: ${state}`);
    bus.put({
      source: 'aws.ec2',
      'detail-type': 'EC2 Instance State-change Notification',
      detail: { 'instance-id': id, state },
    });
  };
  const instances = new Instances({
    home,
    children,
    region,
    endpoint: () => endpoint,
    asset,
    userData,
    onState,
    log,
  });
  const recordPublish = (topic: string, subject: string): void => {
    notifications.push({ topic, subject, time: new Date().toISOString() });
    notifications.splice(0, notifications.length - notificationsMax);
  };
  const executions = new Executions(home.at('executions.ndjson'), metrics, log);
  const secrets = new Secrets(home.at('secrets.json'));
  return {
    storage,
    metrics,
    functions,
    executions,
    bus,
    alarms,
    instances,
    secrets,
    notifications,
    recordPublish,
  };
}

/** Who serves which service, by the name in the credential scope. */
export function backendsOf(
  services: Services,
  dynamodb: DynamoDb,
  { launchTemplates: templates, subnets }: Deployment,
): Record<string, Backend> {
  const { storage, metrics, alarms, bus, executions, functions, instances } = services;
  return {
    dynamodb: dynamodb.backend,
    sqs: storage.sqs,
    s3: storage.s3,
    ec2: ec2Backend({ instances, templates, subnets }),
    monitoring: cloudwatchBackend(metrics, alarms),
    events: eventsBackend(bus),
    states: workflowsBackend(executions),
    lambda: lambdaBackend(functions),
    secretsmanager: secretsBackend(services.secrets),
    sns: snsBackend(services.recordPublish),
    sts: stsBackend,
  };
}

export const metadataPages = ({ instances }: Services): Backend => metadataBackend(instances);

/** SQS publishes once a minute; every five seconds lets alarms with short periods work. */
const depthMs = 5_000;

/** Publishes the depth of every queue as SQS does. Answers how to stop it. */
export function publishQueueDepths({ storage, metrics }: Services): () => void {
  const timer = setInterval(() => {
    const time = Date.now();
    for (const { name: QueueName, visible, notVisible, oldestSeconds } of storage.depths()) {
      const values = {
        ApproximateNumberOfMessagesVisible: visible,
        ApproximateNumberOfMessagesNotVisible: notVisible,
        ApproximateAgeOfOldestMessage: oldestSeconds,
      };
      const common = { namespace: 'AWS/SQS', dimensions: { QueueName }, time, weight: 1 };
      for (const [name, value] of Object.entries(values)) metrics.put({ ...common, name, value });
    }
  }, depthMs);
  return () => clearInterval(timer);
}
