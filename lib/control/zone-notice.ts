import { HoldRecord } from '../contract/job-records.ts';
import {
  flightPartition,
  holdEventKey,
  holdEventPrefix,
  zoneNoticeKey,
  zoneOfHold,
} from '../contract/keys.ts';
import { ZoneNoticeRecord } from '../contract/records.ts';
import { explainIgnored, explainNotice } from '../core/explain-notice.ts';
import type { Answer, ZoneNotice } from '../core/notice.ts';
import { answerZone } from '../core/zone-notice.ts';
import { eventOp } from './events.ts';
import { noticeTriesMax, tombstoneSeconds } from './limits.ts';
import { queryAll } from './pages.ts';
import { type Op, type Ports, TryLater } from './ports.ts';
import { writeKnown } from './write-known.ts';

/**
 * Pauses the planned moves of a zone, or lets them go on. What operators paused stays paused.
 *
 * @throws TryLater
 */
export async function heedZone(ports: Ports, notice: ZoneNotice): Promise<readonly Answer[]> {
  // AWS speaks of zones by their ids; the fleet knows their names.
  const names = await ports.machines.zones();
  const name = names.get(notice.zone);
  if (name === undefined) {
    const why = { kind: 'unknown-zone', zone: notice.zone } as const;
    ports.log('notice-ignored', { notice: notice.kind, why: explainIgnored(why) });
    return [{ kind: 'ignore', why }];
  }
  for (let tried = 1; tried <= noticeTriesMax; tried++) {
    const answer = await tryZone(ports, { ...notice, zone: name });
    if (answer !== undefined) return [answer];
  }
  throw new TryLater(
    `zone ${name} was spoken of ${noticeTriesMax} times while a notice was heeded`,
  );
}

const nothingSaid: ZoneNoticeRecord = { impairedAt: 0, recoveredAt: 0, lastOp: '' };

/** @returns what was decided and done, or nothing when others spoke of the zone meanwhile */
async function tryZone(ports: Ports, notice: ZoneNotice): Promise<Answer | undefined> {
  const key = zoneNoticeKey(notice.zone);
  const [item] = await ports.tables.get([key]);
  const said = item === undefined ? nothingSaid : ZoneNoticeRecord.parse(item);
  const now = ports.now();
  const answer = answerZone(notice, said, ports.policy, now);
  if (answer.kind === 'ignore') {
    ports.log('notice-ignored', { notice: notice.kind, why: explainIgnored(answer.why) });
    return answer;
  }
  const operation = ports.newId();
  const heard =
    notice.kind === 'zone-impaired' ? { impairedAt: notice.at } : { recoveredAt: notice.at };
  const expiresAt = Math.floor(now / 1000) + tombstoneSeconds;
  const record = { ...said, ...heard, expiresAt, lastOp: operation };
  const when = item === undefined ? 'absent' : { lastOp: said.lastOp };
  const outcome = await writeKnown(
    ports.tables,
    [{ op: 'put', key, fields: record, when }, ...zoneOps(answer, notice, operation, now)],
    operation,
  );
  if (outcome !== 'committed') return undefined;
  ports.log(answer.kind === 'pause-zone' ? 'zone-paused' : 'zone-resumed', { zone: notice.zone });
  return answer;
}

/** The hold and its event, in the transaction that remembers AWS's word. */
function zoneOps(answer: Answer, notice: ZoneNotice, operation: string, now: number): Op[] {
  const { zone: name } = notice;
  const key = holdEventKey(name);
  const reason = explainNotice(notice);
  if (answer.kind !== 'pause-zone') {
    const detail = { zone: name, reasons: [reason] };
    return [{ op: 'delete', key }, eventOp(operation, { type: 'Zone Resumed', detail }, now)];
  }
  const { until } = answer;
  const detail = { zone: name, until, reasons: [reason] };
  return [
    { op: 'put', key, fields: { reason, since: notice.at, until } },
    eventOp(operation, { type: 'Zone Paused', detail }, now),
  ];
}

/** Lifts pauses whose end AWS never told: a part of the watch. */
export async function liftPauses(ports: Ports): Promise<void> {
  const items = await queryAll(ports.tables, 'placement', flightPartition, holdEventPrefix);
  const now = ports.now();
  for (const { sk, ...item } of items) {
    const { until } = HoldRecord.parse(item);
    const name = zoneOfHold(sk);
    if (until > now || name === undefined) continue;
    const reasons = [`the longest pause of a zone, ${ports.policy.zonePauseMsMax} ms, is over`];
    await ports.tables.write([
      { op: 'delete', key: holdEventKey(name), when: { until } },
      eventOp(ports.newId(), { type: 'Zone Resumed', detail: { zone: name, reasons } }, now),
    ]);
    ports.log('zone-resumed', { zone: name });
  }
}
