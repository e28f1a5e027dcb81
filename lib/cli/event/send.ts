import {
  rebalanceRecommendationOf,
  retirementOf,
  type SentEvent,
  spotInterruptionOf,
  stateChangeOf,
  zoneShiftOf,
} from '../../contract/notices.ts';
import { readNodes } from '../../control/fleet.ts';
import { findRunningCloud, type RunningCloud } from '../cloud/running.ts';
import { connectTo } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { Inspector } from '../demo/inspect.ts';
import { UserError } from '../user-error.ts';

/** What AWS would say, of whom. */
export type Wanted =
  | { readonly kind: 'spot-interruption' | 'rebalance-recommendation'; readonly node: string }
  | { readonly kind: 'retirement'; readonly node: string; readonly at: (now: number) => number }
  | { readonly kind: 'instance-state'; readonly node: string; readonly state: string }
  | { readonly kind: 'zone-impaired' | 'zone-recovered'; readonly zone: string };

/** Has the local cloud send an event as AWS would: the template's rules match it or do not. */
export async function sendEvent(context: Context, wanted: Wanted): Promise<Answer> {
  const cloud = await localCloudOf(context);
  const inspector = new Inspector(cloud.endpoint);
  const event =
    'zone' in wanted
      ? zoneShiftOf(await zoneIdOf(inspector, wanted.zone), becomes[wanted.kind])
      : eventOf(wanted, await instanceOf(context, cloud, wanted.node), context.io.now());
  const { id, rules } = await inspector.sendEvent(event);
  const matched = rules.length === 0 ? 'no rule matches it' : `it matches ${rules.join(', ')}`;
  return {
    document: { id, rules, event },
    text: () => `Sent "${event['detail-type']}" (${id}): ${matched}.`,
  };
}

const becomes = { 'zone-impaired': 'impaired', 'zone-recovered': 'recovered' } as const;

function eventOf(
  wanted: Exclude<Wanted, { readonly zone: string }>,
  instance: string,
  now: number,
): SentEvent {
  switch (wanted.kind) {
    case 'spot-interruption':
      return spotInterruptionOf(instance);
    case 'rebalance-recommendation':
      return rebalanceRecommendationOf(instance);
    case 'retirement':
      return retirementOf(instance, wanted.at(now));
    case 'instance-state':
      return stateChangeOf(instance, wanted.state);
  }
}

/** AWS sends its own events, and lets nobody send them in its name. */
async function localCloudOf({ globals, io }: Context): Promise<RunningCloud> {
  if (globals.settings !== undefined || io.env.BALLAST_SETTINGS !== undefined) {
    throw new UserError('Only the local cloud sends events: on AWS they come from AWS itself.');
  }
  const cloud = await findRunningCloud(globals.home);
  if (cloud !== undefined) return cloud;
  throw new UserError(
    `Only the local cloud sends events, and none runs on ${globals.home}: start one with \`ballast up\`.`,
  );
}

async function instanceOf(context: Context, cloud: RunningCloud, name: string): Promise<string> {
  const store = await connectTo(context, cloud);
  try {
    const node = (await readNodes(store.ports.tables)).find(({ id }) => id === name);
    if (node === undefined) throw new UserError(`There is no node ${name}.`);
    if (node.instance === '') throw new UserError(`Node ${name} has no machine yet.`);
    return node.instance;
  } finally {
    store.close();
  }
}

async function zoneIdOf(inspector: Inspector, name: string): Promise<string> {
  const { zones } = await inspector.state();
  const zone = zones.find((each) => each.name === name);
  if (zone !== undefined) return zone.id;
  const names = zones.map((each) => each.name).join(', ');
  throw new UserError(`There is no zone ${name}: the local cloud has ${names}.`);
}
