/** `ballast capacity`: what zones hold, what the planner advises, and where it goes. */
import type { HistoryRecord } from '../../contract/records.ts';
import { adviseZones, readHistory, samplesOf } from '../../control/history.ts';
import type { Ports } from '../../control/ports.ts';
import { readUses } from '../../control/scaling-look.ts';
import { type CapacityAdvice, type ZoneUse, zoneFill } from '../../core/capacity.ts';
import {
  type DaysToFull,
  daysToFull,
  fitForecast,
  forecastAt,
  forecastHoursMax,
  hourMs,
  type Range,
  type Trend,
  trendOf,
} from '../../core/forecast.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatShare, table } from '../text.ts';

export interface CapacityOptions {
  readonly trend?: true;
  readonly hours: number;
}

export interface ZoneCapacity {
  readonly zone: string;
  readonly nodes: number;
  readonly usedBytes: number;
  readonly capacityBytes: number;
  /** null without capacity. */
  readonly fill: number | null;
  readonly advice: CapacityAdvice;
}

/** null where there is too little history to say. */
export interface ZoneTrend {
  readonly zone: string;
  readonly trend: Trend | null;
  /** Bytes in a day from now. */
  readonly tomorrow: Range | null;
  /** Until the zone's capacity of today is full to the hard limit. */
  readonly daysToFull: DaysToFull | null;
}

export const showCapacity = (context: Context, options: CapacityOptions): Promise<Answer> =>
  withStore(context, async (ports) => {
    const uses = await readUses(ports);
    const zones = capacityOf(uses, ports);
    if (options.trend === undefined) {
      return { document: { zones }, text: () => capacityTable(zones) };
    }
    const trends = await trendsOf(ports, uses, options.hours);
    const text = () => `${capacityTable(zones)}\n\n${trendTable(trends, options.hours)}`;
    return { document: { zones, hours: options.hours, trends }, text };
  });

function capacityOf(uses: readonly ZoneUse[], { policy }: Ports): ZoneCapacity[] {
  const advised = adviseZones(uses, policy);
  return uses.map((use, at) => {
    const { zone, nodes, usedBytes, capacityBytes } = use;
    const fill = capacityBytes > 0 ? zoneFill(use) : null;
    return { zone, nodes, usedBytes, capacityBytes, fill, advice: advised[at]! };
  });
}

async function trendsOf(
  ports: Ports,
  uses: readonly ZoneUse[],
  hours: number,
): Promise<ZoneTrend[]> {
  const now = ports.now();
  const back = Math.max(hours, forecastHoursMax) * hourMs;
  const history = await readHistory(ports.tables, now - back, now);
  return uses.map((use) => trendOfZone(use, history, now, hours, ports.policy.fillHard));
}

function trendOfZone(
  { zone, capacityBytes, usedBytes }: ZoneUse,
  history: readonly HistoryRecord[],
  now: number,
  hours: number,
  fillHard: number,
): ZoneTrend {
  const samples = [...samplesOf(history, zone), { at: now, usedBytes }];
  const trend = trendOf(samples, now, hours, capacityBytes) ?? null;
  const forecast = fitForecast(samples, now);
  if (forecast === undefined) return { zone, trend, tomorrow: null, daysToFull: null };
  return {
    zone,
    trend,
    tomorrow: forecastAt(forecast, now + 24 * hourMs),
    daysToFull: daysToFull(forecast, fillHard * capacityBytes, now),
  };
}

function capacityTable(zones: readonly ZoneCapacity[]): string {
  if (zones.length === 0) return 'No nodes.';
  return table(
    ['ZONE', 'NODES', 'USED', 'CAPACITY', 'FILL', 'ADVICE'],
    zones.map(({ zone, nodes, usedBytes, capacityBytes, fill, advice }) => [
      zone,
      nodes,
      formatBytes(usedBytes),
      formatBytes(capacityBytes),
      fill === null ? '-' : formatShare(fill),
      adviceText(advice),
    ]),
  );
}

function adviceText(advice: CapacityAdvice): string {
  if (advice.kind === 'keep') return 'keep';
  if (advice.kind === 'remove') return `remove ${advice.nodes}`;
  const type = advice.type === '' ? '' : ` ${advice.type}`;
  return `add ${advice.nodes}${type} ($${advice.dollarsPerHour.toFixed(2)}/h)`;
}

function trendTable(trends: readonly ZoneTrend[], hours: number): string {
  const rows = trends.map(({ zone, trend, tomorrow, daysToFull: full }) => [
    zone,
    trend === null ? '-' : trend.kind,
    trend === null ? '-' : `${formatBytes(Math.round(trend.bytesPerDay))}/day`,
    tomorrow === null ? '-' : rangeText(tomorrow),
    full === null ? '-' : fullText(full),
  ]);
  const heads = ['ZONE', 'TREND', 'CHANGE', 'TOMORROW (P10-P90)', 'FULL IN DAYS (P10-P90)'];
  return `Over the last ${hours} h:\n${table(heads, rows)}`;
}

const rangeText = ({ p10, p50, p90 }: Range): string =>
  `${formatBytes(Math.round(p50))} (${formatBytes(Math.round(p10))} - ${formatBytes(Math.round(p90))})`;

const daysText = (days: number | null): string => (days === null ? '> 365' : days.toFixed(1));

const fullText = ({ early, expected, late }: DaysToFull): string =>
  `${daysText(expected)} (${daysText(early)} - ${daysText(late)})`;
