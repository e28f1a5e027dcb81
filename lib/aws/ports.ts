import { ulid } from 'ulid';
import type { Ports } from '../control/ports.ts';
import { epochMillis } from '../core/units.ts';
import type { Settings } from './config.ts';

type PartName =
  | 'tables'
  | 'nodes'
  | 'machines'
  | 'workflows'
  | 'queues'
  | 'archive'
  | 'events'
  | 'log';

/** How each port is made. */
export type Parts = { readonly [Name in PartName]: (settings: Settings) => Ports[Name] };

/**
 * The ports of one process, from the parts that it names: what a function does not name is not in
 * its bundle (the EC2 client alone is over a megabyte). A part that is missing throws when it is
 * used.
 */
export function portsFrom(settings: Settings, parts: Partial<Parts>): Ports {
  const part = <Name extends PartName>(name: Name): Ports[Name] =>
    parts[name]?.(settings) ?? missing(name);
  return {
    tables: part('tables'),
    nodes: part('nodes'),
    machines: part('machines'),
    workflows: part('workflows'),
    queues: part('queues'),
    archive: part('archive'),
    events: part('events'),
    log: part('log'),
    now: () => epochMillis(Date.now()),
    newId: ulid,
    policy: settings.policy,
  };
}

function missing<Name extends PartName>(name: Name): Ports[Name] {
  const fail = (method: string): never => {
    throw new Error(`this function was given no ${name}, and called ${method}`);
  };
  const port = new Proxy(() => fail(name), { get: (_, method) => () => fail(String(method)) });
  return port as unknown as Ports[Name];
}
