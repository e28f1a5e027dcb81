import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Home } from './home.ts';
import { actionOfS3 } from './s3-actions.ts';
import type { Backend, Call } from './wire.ts';

/** The parts of fauxqs that are used here; it publishes no types for them. */
interface Stored {
  readonly sentTimestamp: number;
}
interface SqsQueue {
  readonly name: string;
  persistence: unknown;
  readonly attributes: Record<string, string>;
  readonly messages: readonly Stored[];
  readonly inflightMessages: ReadonlyMap<string, { readonly message: Stored }>;
  processTimers(): void;
  setAttributes(attributes: Record<string, string>): void;
}
interface SqsStore {
  host: string;
  region: string;
  persistence: unknown;
  allQueues(): Iterable<SqsQueue>;
  getQueueByArn(arn: string): SqsQueue | undefined;
  createQueue(name: string, url: string, arn: string, attributes: Record<string, string>): SqsQueue;
}
interface S3Store {
  persistence: unknown;
  hasBucket(name: string): boolean;
  createBucket(name: string): void;
}
interface Persistence {
  readonly db: { exec(sql: string): void };
  load(sqs: SqsStore, sns: { persistence: unknown }, s3: S3Store): void;
  close(): void;
}
interface FauxqsApp {
  ready(): Promise<unknown>;
  close(): Promise<void>;
  routing(request: IncomingMessage, response: ServerResponse): void;
}

export interface QueueDepth {
  readonly name: string;
  readonly visible: number;
  readonly notVisible: number;
  /** Seconds since the oldest message was sent; 0 when there is none. */
  readonly oldestSeconds: number;
}

export interface QueuesAndBuckets {
  readonly sqs: Backend;
  readonly s3: Backend;
  /** Creates the queue or brings its attributes up to date. */
  putQueue(name: string, arn: string, url: string, attributes: Record<string, string>): void;
  putBucket(name: string): void;
  depths(): QueueDepth[];
  close(): Promise<void>;
}

const part = (path: string): Promise<Record<string, unknown>> =>
  import(new URL(path, import.meta.resolve('fauxqs')).href) as Promise<Record<string, unknown>>;

/**
 * Runs fauxqs inside this process and hands it requests directly: `startFauxqs` would listen on every
 * interface and cost a second hop, so its parts are put together here (version pinned in package.json).
 */
export async function startQueuesAndBuckets(home: Home, region: string): Promise<QueuesAndBuckets> {
  const [{ buildApp }, { SqsStore }, { SnsStore }, { S3Store }, { PersistenceManager }] =
    (await Promise.all([
      import('fauxqs'),
      part('sqs/sqsStore.js'),
      part('sns/snsStore.js'),
      part('s3/s3Store.js'),
      part('persistence.js'),
    ])) as unknown as [
      { buildApp: (options: unknown) => FauxqsApp },
      { SqsStore: new () => SqsStore },
      { SnsStore: new () => { persistence: unknown } },
      { S3Store: new () => S3Store },
      { PersistenceManager: new (directory: string) => Persistence },
    ];
  const stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
  stores.sqsStore.host = ''; // queue URLs then carry the host that was asked
  stores.sqsStore.region = region;
  const persistence = new PersistenceManager(home.at('fauxqs'));
  persistence.db.exec('PRAGMA synchronous = NORMAL'); // survives kill -9; a sync a message would block all
  persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
  for (const queue of stores.sqsStore.allQueues()) queue.persistence = persistence;
  for (const store of Object.values(stores)) store.persistence = persistence;
  const app = buildApp({ logger: false, stores, defaultRegion: region });
  await app.ready();
  return serve(app, persistence, stores.sqsStore, stores.s3Store);
}

function serve(
  app: FauxqsApp,
  persistence: Persistence,
  sqs: SqsStore,
  s3: S3Store,
): QueuesAndBuckets {
  return {
    sqs: (request, response, call) => {
      call.count(String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? 'unknown');
      app.routing(request, response);
    },
    s3: (request: IncomingMessage, response: ServerResponse, call: Call) => {
      call.count(actionOfS3(request, call.url));
      app.routing(request, response);
    },
    putQueue: (name, arn, url, attributes) => {
      const queue = sqs.getQueueByArn(arn);
      if (!queue) sqs.createQueue(name, url, arn, attributes);
      else if (Object.entries(attributes).some(([key, value]) => queue.attributes[key] !== value))
        queue.setAttributes(attributes);
    },
    putBucket: (name) => {
      if (!s3.hasBucket(name)) s3.createBucket(name);
    },
    depths: () => [...sqs.allQueues()].map(depthOf),
    close: async () => {
      await app.close();
      persistence.close();
    },
  };
}

function depthOf(queue: SqsQueue): QueueDepth {
  queue.processTimers();
  const { name, messages, inflightMessages } = queue;
  const inFlight = [...inflightMessages.values()].map(({ message }) => message);
  const sent = [...messages, ...inFlight].map(({ sentTimestamp }) => sentTimestamp);
  const now = Date.now();
  const oldestSeconds = sent.reduce((age, time) => Math.max(age, (now - time) / 1000), 0);
  return { name, visible: messages.length, notVisible: inFlight.length, oldestSeconds };
}
