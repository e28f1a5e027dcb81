import { join, resolve } from 'node:path';
import { type Assembly, readAssembly } from './assembly.ts';
import { CallCounter, type CallCounts } from './calls.ts';
import { Children } from './children.ts';
import { startDynamoDb } from './dynamodb.ts';
import { type Endpoint, openEndpoint } from './endpoint.ts';
import { type Home, openHome } from './home.ts';
import { inspectionBackend } from './inspection.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { planDeployment } from './plan.ts';
import { clientEnvironment, userKey } from './principals.ts';
import { provision } from './provision.ts';
import { startQueuesAndBuckets } from './queues-and-buckets.ts';
import { LocalCloudRefusal } from './refusal.ts';
import { backendsOf, buildServices, metadataPages, publishQueueDepths } from './services.ts';
import type { Backend } from './wire.ts';
import { zoneIds } from './zone-ids.ts';

export type { CallCount, CallCounts } from './calls.ts';
export { LocalCloudRefusal } from './refusal.ts';

export interface LocalCloudOptions {
  /** A synthesised cloud assembly: cdk.out. */
  readonly assembly: string;
  /** Where all state lives; a second start on it resumes. */
  readonly home: string;
  /** @default the port of the last run on this home if it is free, else any */
  readonly port?: number;
  /** @default the region of the last run on this home, else AWS_REGION, else us-east-1 */
  readonly region?: string;
  readonly log?: (line: string) => void;
}

export interface LocalCloud {
  /** The one URL for every service: AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** What an SDK client needs in its environment to use this cloud as its user. */
  readonly environment: Readonly<Record<string, string>>;
  /** Every stack's outputs by logical id, `stack.id` and export name. */
  readonly outputs: Readonly<Record<string, string>>;
  calls(): CallCounts;
  /** Stops everything in good order within ten seconds; running executions resume at the next start. */
  close(): Promise<void>;
}

/** What of the endpoint outlives a run: names and queue URLs depend on it. */
interface Bound {
  readonly port: number;
  readonly region: string;
}
const endpointFile = 'endpoint.json';

interface Start {
  readonly assembly: Assembly;
  readonly region: string;
  readonly port: number | undefined;
  readonly log: (line: string) => void;
  readonly home: Home;
}

/**
 * Runs a synthesised template on this machine. Throws LocalCloudRefusal with one sentence when it cannot; then
 * nothing is left running.
 */
export async function startCloud(options: LocalCloudOptions): Promise<LocalCloud> {
  const last = readJsonFile(join(options.home, endpointFile)) as Partial<Bound> | undefined;
  const region = options.region ?? last?.region ?? process.env.AWS_REGION ?? 'us-east-1';
  const log = options.log ?? (() => {});
  const assembly = readAssembly(resolve(options.assembly));
  planDeployment(assembly, { region, endpoint: 'http://127.0.0.1' }); // refuses before anything is touched
  const running = new AsyncDisposableStack();
  try {
    const home = openHome(resolve(options.home));
    running.defer(() => home.unlock());
    return await start({ assembly, region, port: options.port, log, home }, running);
  } catch (error) {
    await running.disposeAsync();
    throw error;
  }
}

/** Starts in the order of dependence; `running` stops it in the reverse. */
async function start(given: Start, running: AsyncDisposableStack): Promise<LocalCloud> {
  const { assembly, region, log, home } = given;
  const children = new Children(home.at('children.json'));
  for (const orphan of await children.stopOrphans()) log(`stopped ${orphan} of the last run`);
  const storing = startQueuesAndBuckets(home, region);
  storing.catch(() => {}); // awaited below, after DynamoDB
  running.defer(() =>
    storing.then(
      (started) => started.close(),
      () => {},
    ),
  );
  const { AWS_ENDPOINT_URL_DYNAMODB: external, PATH: searchPath = '' } = process.env;
  const dynamodb = await startDynamoDb({ home, children, log, external, searchPath });
  running.defer(() => dynamodb.close());
  const storage = await storing;

  const counter = new CallCounter();
  const backends: Record<string, Backend> = {};
  const pages: Record<string, Backend> = {};
  const { url: endpoint, close } = await open(given, backends, pages, counter);
  running.defer(close);

  const { deployment, outputs } = planDeployment(assembly, { region, endpoint });
  const templates = new Map(deployment.launchTemplates.map(({ id, data }) => [id, data.userData]));
  const userData = (template: string): string | undefined => templates.get(template);
  const ground = { home, children, region, endpoint, log, asset: assembly.asset, userData };
  const services = buildServices(storage, ground);
  const { instances, functions, executions, alarms, bus, notifications } = services;
  const environment = clientEnvironment(endpoint, region, userKey);
  const inspected = {
    instances,
    functions,
    executions,
    alarms,
    counter,
    outputs,
    environment,
    notifications,
    bus,
    zones: zoneIds(deployment.subnets.values()),
  };
  Object.assign(backends, backendsOf(services, dynamodb, deployment));
  pages._imds = metadataPages(services);
  pages._ballast = inspectionBackend({ ...inspected, depths: () => storage.depths() });

  running.defer(() => instances.close());
  running.defer(() => functions.close());
  running.defer(() => executions.close());
  const sources = await provision(deployment, services, ground);
  running.defer(async () => void (await Promise.all(sources.map((source) => source.close()))));
  executions.resume();
  await instances.resume();
  for (const source of sources) source.start();
  running.defer(publishQueueDepths(services));
  running.defer(() => alarms.stop());
  alarms.start();
  running.defer(() => bus.stop());
  bus.start();
  const stop = once(() => running.disposeAsync());
  return { endpoint, environment, outputs, calls: () => counter.read(), close: stop };
}

/** The port of the last run, if it is free: queue URLs and running clients stay valid. */
async function open(
  { home, port, region }: Start,
  services: Record<string, Backend>,
  prefixes: Record<string, Backend>,
  counter: CallCounter,
): Promise<Endpoint> {
  const file = home.at(endpointFile);
  const last = (readJsonFile(file) as Bound | undefined)?.port ?? 0;
  const routes = { services, prefixes };
  const endpoint = await openEndpoint(routes, counter, port ?? last).catch((error: unknown) => {
    const taken = error instanceof LocalCloudRefusal && error.kind === 'port-in-use';
    if (!taken || port !== undefined) throw error;
    return openEndpoint(routes, counter, 0);
  });
  const bound: Bound = { port: endpoint.port, region };
  writeJsonFile(file, bound);
  return endpoint;
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
