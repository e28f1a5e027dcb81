import * as z from 'zod/mini';
import {
  healthEvent,
  instanceStateChange,
  rebalanceRecommendation,
  retirementCodes,
  spotInterruption,
  zoneImpaired,
  zoneRecovered,
} from '../contract/notices.ts';
import { zone } from '../core/ids.ts';
import type { Notice } from '../core/notice.ts';
import { type EpochMillis, epochMillis } from '../core/units.ts';

const time = z.string().check(z.refine((text) => Number.isFinite(Date.parse(text)), 'a date'));
const Envelope = z.object({ time, 'detail-type': z.string() });
const OfInstance = z.object({ detail: z.object({ 'instance-id': z.string() }) });
const OfHealth = z.object({
  resources: z._default(z.array(z.string()), []),
  detail: z.object({
    eventTypeCode: z.enum(retirementCodes),
    statusCode: z.optional(z.string()),
    startTime: z.optional(z.string()),
    affectedEntities: z._default(z.array(z.object({ entityValue: z.string() })), []),
  }),
});
const OfZone = z.object({ detail: z.object({ metadata: z.object({ awayFrom: z.string() }) }) });

type Parse = (event: unknown, at: EpochMillis) => Notice | undefined;

const ofInstance =
  (kind: 'spot-interruption' | 'rebalance-recommendation'): Parse =>
  (event, at) => ({ kind, at, instances: [OfInstance.parse(event).detail['instance-id']] });

/** One that is over, or was called off, is closed. Its date is in words: `Thu, 27 Aug 2026 12:00:00 GMT`. */
const retirement: Parse = (event, at) => {
  const { resources, detail } = OfHealth.parse(event);
  if (detail.statusCode === 'closed') return undefined;
  const dueAt = Date.parse(detail.startTime ?? '');
  const named = [...detail.affectedEntities.map((each) => each.entityValue), ...resources];
  return {
    kind: 'retirement',
    at,
    instances: [...new Set(named.map(instanceOf))],
    ...(Number.isFinite(dueAt) && { dueAt: epochMillis(dueAt) }),
  };
};

/** `i-0abc` itself, or the end of its ARN. */
const instanceOf = (name: string): string => name.split('/').at(-1)!;

const ofZone =
  (kind: 'zone-impaired' | 'zone-recovered'): Parse =>
  (event, at) => ({ kind, at, zone: zone(OfZone.parse(event).detail.metadata.awayFrom) });

const byDetailType: Readonly<Record<string, Parse>> = {
  [spotInterruption]: ofInstance('spot-interruption'),
  [rebalanceRecommendation]: ofInstance('rebalance-recommendation'),
  [healthEvent]: retirement,
  ...Object.fromEntries(zoneImpaired.map((type) => [type, ofZone('zone-impaired')])),
  ...Object.fromEntries(zoneRecovered.map((type) => [type, ofZone('zone-recovered')])),
};

const StateChange = z.extend(OfInstance, { 'detail-type': z.literal(instanceStateChange) });

/** The machine whose change of state an event tells; nothing of any other event, the schedule's own say. */
export function machineChanged(event: unknown): string | undefined {
  const parsed = StateChange.safeParse(event);
  return parsed.success ? parsed.data.detail['instance-id'] : undefined;
}

/**
 * What an event of EventBridge says; a zone is named by its id.
 *
 * @returns nothing for one that is over
 * @throws what is wrong with it, by field, or that its type is none that is known
 */
export function parseNotice(event: unknown): Notice | undefined {
  const { time: sent, 'detail-type': type } = Envelope.parse(event);
  const parse = byDetailType[type];
  if (parse === undefined) throw new Error(`detail-type ${type} is no notice that is known`);
  return parse(event, epochMillis(Date.parse(sent)));
}
