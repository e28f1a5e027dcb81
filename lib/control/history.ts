/** What zones held and what was decided, recorded by the autoscaler's tick. */
import { historyKey, historyPartitions } from '../contract/keys.ts';
import type { Policy } from '../contract/policy.ts';
import { HistoryRecord } from '../contract/records.ts';
import { adviseCapacity, nodesLeastInZone, type ZoneUse } from '../core/capacity.ts';
import { forecastHoursMax, hourMs, type Outlook, outlookOf } from '../core/forecast.ts';
import { type Zone, zone } from '../core/ids.ts';
import { historySeconds } from './limits.ts';
import { queryAll } from './pages.ts';
import type { Op, Tables } from './ports.ts';

/** What was recorded from `from` to `to` (epoch milliseconds), oldest first. */
export async function readHistory(
  tables: Tables,
  from: number,
  to: number,
): Promise<readonly HistoryRecord[]> {
  const weeks = historyPartitions(from, to).map((pk) => queryAll(tables, 'placement', pk));
  const items = (await Promise.all(weeks)).flat();
  return items.map((item) => HistoryRecord.parse(item)).filter(({ at }) => at >= from && at <= to);
}

/** The row of one look; a table forgets it after two months. */
export const historyOp = (record: HistoryRecord): Op => ({
  op: 'put',
  key: historyKey(record.at),
  fields: { ...record, expiresAt: Math.floor(record.at / 1000) + historySeconds },
});

/** What the planner advises for each zone, as it is recorded and shown. */
export function adviseZones(uses: readonly ZoneUse[], policy: Policy) {
  const least = nodesLeastInZone([policy.redundancy], Math.max(1, uses.length), policy.nodesMin);
  return uses.map((use) => adviseCapacity(use, policy, least));
}

export const recordedZones = (uses: readonly ZoneUse[], policy: Policy): HistoryRecord['zones'] => {
  const advised = adviseZones(uses, policy);
  return uses.map(({ zone: name, usedBytes, capacityBytes, nodes }, at) => {
    const advice = advised[at]!;
    const adviceNodes = advice.kind === 'keep' ? 0 : advice.nodes;
    return { zone: name, usedBytes, capacityBytes, nodes, advice: advice.kind, adviceNodes };
  });
};

/** What the last two weeks say of each zone; what it holds now is part of it. */
export async function readOutlooks(
  tables: Tables,
  uses: readonly ZoneUse[],
  now: number,
): Promise<ReadonlyMap<Zone, Outlook>> {
  const history = await readHistory(tables, now - forecastHoursMax * hourMs, now);
  return new Map(
    uses.map(({ zone: name, usedBytes }) => {
      const samples = samplesOf(history, name);
      return [zone(name), outlookOf([...samples, { at: now, usedBytes }], now)];
    }),
  );
}

export const samplesOf = (history: readonly HistoryRecord[], name: string) =>
  history.flatMap(({ at, zones }) => {
    const found = zones.find((each) => each.zone === name);
    return found === undefined ? [] : [{ at, usedBytes: found.usedBytes }];
  });
