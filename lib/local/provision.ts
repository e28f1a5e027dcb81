import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Deployment, EventSourcePlan, FunctionPlan, QueueSettings } from './deployment.ts';
import { EventSource } from './event-source.ts';
import { targetOf } from './event-targets.ts';
import type { Home } from './home.ts';
import { jsonCaller } from './internal-client.ts';
import * as principals from './principals.ts';
import { LocalCloudRefusal } from './refusal.ts';
import { parseSchedule } from './schedule-expression.ts';
import type { Services } from './services.ts';
import { deployTable } from './tables.ts';
import type { FunctionSettings } from './worker-pool.ts';
import { compileWorkflow } from './workflow.ts';

export interface Ground {
  readonly home: Home;
  readonly region: string;
  readonly endpoint: string;
  readonly log: (line: string) => void;
}

/** Lambda would start a thousand; one machine has enough with ten, or with what its event sources may ask. */
const concurrencyDefault = 10;
const asyncRetriesMax = 2;

/** Brings the services to what the template asks for; what exists already is brought up to date. */
export async function provision(
  deployment: Deployment,
  services: Services,
  ground: Ground,
): Promise<EventSource[]> {
  const caller = (key: string) => jsonCaller(() => ground.endpoint, ground.region, key);
  const deploy = caller(principals.deploymentKey);
  await Promise.all(deployment.tables.map((table) => deployTable(deploy, table)));
  for (const queue of deployment.queues) putQueue(services, queue);
  for (const bucket of deployment.buckets) services.storage.putBucket(bucket);
  for (const secret of deployment.secrets) services.secrets.put(secret);
  for (const plan of deployment.functions)
    services.functions.add(settingsOf(plan, deployment, ground));
  for (const { name, arn, roleArn, definition } of deployment.workflows)
    services.executions.addWorkflow(
      compileWorkflow(name, arn, roleArn, definition, (reference, event) =>
        services.functions.invoke(reference, event),
      ),
    );
  for (const alarm of deployment.alarms) services.alarms.add(alarm);
  for (const { settings, rule } of deployment.composites)
    services.alarms.addComposite(settings, rule);
  addRules(deployment, services, caller(principals.eventBusKey));
  const poll = caller(principals.eventSourceKey);
  return deployment.eventSources.map((plan) => sourceOf(plan, deployment, services, ground, poll));
}

const putQueue = ({ storage }: Services, { name, arn, url, attributes }: QueueSettings): void =>
  storage.putQueue(name, arn, url, attributes);

function addRules(
  { rules, queues }: Deployment,
  { bus, functions, executions, recordPublish }: Services,
  call: ReturnType<typeof jsonCaller>,
): void {
  const queueUrls = new Map(queues.map(({ arn, url }) => [arn, url]));
  const targets = { functions, executions, call, recordPublish, queueUrls };
  for (const { schedule, ...rule } of rules)
    bus.add({
      ...rule,
      schedule: schedule === undefined ? undefined : parseSchedule(schedule),
      targets: rule.targets.map((target) => targetOf(rule.name, target, targets)),
    });
}

function sourceOf(
  plan: EventSourcePlan,
  { queues }: Deployment,
  { functions }: Services,
  { region, log }: Ground,
  poll: ReturnType<typeof jsonCaller>,
): EventSource {
  const queue = queues.find(({ arn }) => arn === plan.queueArn);
  if (!queue || !functions.has(plan.functionReference))
    throw new LocalCloudRefusal(
      'bad-assembly',
      `Event source ${plan.logicalId}: the template has no ${queue ? plan.functionReference : plan.queueArn}.`,
    );
  return new EventSource({ ...plan, queueUrl: queue.url, region }, functions, poll, log);
}

function settingsOf(
  plan: FunctionPlan,
  { eventSources, asyncInvokes, queues }: Deployment,
  ground: Ground,
): FunctionSettings {
  const mine = ({ functionReference }: { functionReference: string }): boolean =>
    [plan.name, plan.arn].includes(functionReference);
  const fed = eventSources.filter(mine);
  const later = asyncInvokes.find(mine);
  const deadLetterArn = later?.deadLetterArn ?? plan.deadLetterArn;
  const asked = fed.reduce((sum, { concurrencyMax }) => sum + concurrencyMax, 0);
  const directory = 'directory' in plan.code ? plan.code.directory : writeInline(plan, ground.home);
  return {
    logicalId: plan.logicalId,
    name: plan.name,
    arn: plan.arn,
    directory,
    handler: plan.handler,
    environment: { ...environmentOf(plan, directory, ground), ...plan.environment },
    timeoutSeconds: plan.timeoutSeconds,
    memoryMb: plan.memoryMb,
    concurrencyMax: plan.reserved ?? Math.max(concurrencyDefault, asked),
    retriesMax: later?.retriesMax ?? asyncRetriesMax,
    deadLetterUrl: queues.find(({ arn }) => arn === deadLetterArn)?.url,
  };
}

const environmentOf = (
  { logicalId, name, memoryMb, handler }: FunctionPlan,
  directory: string,
  { endpoint, region }: Ground,
): Record<string, string> => ({
  ...principals.clientEnvironment(endpoint, region, principals.functionKey(logicalId)),
  AWS_LAMBDA_FUNCTION_NAME: name,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
  AWS_EC2_METADATA_DISABLED: 'true',
  LAMBDA_TASK_ROOT: directory,
  _HANDLER: handler,
  PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
  TZ: ':UTC',
});

function writeInline({ logicalId, code }: FunctionPlan, home: Home): string {
  const directory = home.at('inline', logicalId);
  mkdirSync(directory, { recursive: true });
  writeFileSync(home.at('inline', logicalId, 'index.js'), 'inline' in code ? code.inline : '');
  writeFileSync(home.at('inline', logicalId, 'package.json'), '{"type":"commonjs"}');
  return directory;
}
