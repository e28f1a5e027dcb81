import { z } from 'zod/mini';
import type { Notification } from './alarm-actions.ts';
import type { AlarmBoard } from './alarm-board.ts';
import type { CallCounter } from './calls.ts';
import type { EventBus } from './event-bus.ts';
import type { Executions } from './executions.ts';
import type { Functions } from './functions.ts';
import type { Instances } from './instances.ts';
import { parseInput } from './parse-input.ts';
import type { QueueDepth } from './queues-and-buckets.ts';
import { AwsError } from './refusal.ts';
import { asAwsError, type Backend, readBody } from './wire.ts';

export interface Inspected {
  readonly instances: Instances;
  readonly functions: Functions;
  readonly executions: Executions;
  readonly alarms: AlarmBoard;
  readonly counter: CallCounter;
  readonly depths: () => QueueDepth[];
  readonly outputs: Readonly<Record<string, string>>;
  /** What a client of this cloud needs in its environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly notifications: readonly Notification[];
  readonly bus: EventBus;
  /** Zones by their ids. */
  readonly zones: ReadonlyMap<string, string>;
}

const OfFunction = z.object({ function: z.string() });
const OfInstance = z.object({ instance: z.string() });
const AwsEvent = z.object({
  source: z.string(),
  'detail-type': z.string(),
  resources: z.array(z.string()),
  detail: z.record(z.string(), z.unknown()),
});

/** Everything that the local cloud runs, as one JSON document. */
const stateOf = (cloud: Inspected) => ({
  outputs: cloud.outputs,
  environment: cloud.environment,
  instances: cloud.instances.all().map(({ userData: _, ...instance }) => ({
    ...instance,
    pid: cloud.instances.pidOf(instance.id),
  })),
  functions: cloud.functions.all().map(({ settings, busy, pids }) => ({
    logicalId: settings.logicalId,
    name: settings.name,
    busy,
    workers: pids,
  })),
  executions: cloud.executions.list(),
  alarms: cloud.alarms.list().map(({ settings, state }) => ({ name: settings.name, ...state })),
  queues: cloud.depths(),
  notifications: cloud.notifications,
  zones: [...cloud.zones].map(([id, name]) => ({ id, name })),
});

type Page = (cloud: Inspected, input: unknown) => unknown;
const pages: Readonly<Record<string, Page>> = {
  'GET /_ballast/calls': ({ counter }) => counter.read(),
  'GET /_ballast/state': stateOf,
  'POST /_ballast/kill-worker': ({ functions }, input) => ({
    killed: functions.killBusy(parseInput(OfFunction, input).function),
  }),
  'POST /_ballast/kill-agent': ({ instances }, input) => ({
    killed: instances.killService(parseInput(OfInstance, input).instance) ? 1 : 0,
  }),
  // As AWS itself does: PutEvents refuses sources that begin with `aws.`.
  'POST /_ballast/event': ({ bus }, input) => bus.put(parseInput(AwsEvent, input)),
  'POST /_ballast/lose-instance': async ({ instances }, input) => {
    const { instance } = parseInput(OfInstance, input);
    await instances.lose(instance);
    return { lost: instance };
  },
};

/** The local cloud's own pages under `/_ballast/`: what it does, and how to break it on purpose. */
export function inspectionBackend(cloud: Inspected): Backend {
  return async (request, response, { url }) => {
    const reply = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    try {
      const page = pages[`${request.method} ${url.pathname}`];
      if (!page)
        throw new AwsError('NotFound', `There is no ${request.method} ${url.pathname}.`, 404);
      const body = await readBody(request);
      reply(200, await page(cloud, body.length === 0 ? {} : JSON.parse(body.toString())));
    } catch (cause) {
      const { code, message, status } = asAwsError(cause);
      reply(status, { error: code, message });
    }
  };
}
