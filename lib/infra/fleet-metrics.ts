import type { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import {
  dimensionFleet,
  dimensionZone,
  metricCapacityBytes,
  metricNamespace,
  metricUsedBytes,
} from '../contract/metrics.ts';

/** A metric that agents publish: of one zone's nodes. */
export const zoneMetric = (
  fleetName: string,
  zone: string,
  metricName: string,
  period: Duration,
  statistic: string = Stats.AVERAGE,
): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [dimensionFleet]: fleetName, [dimensionZone]: zone },
    period,
    statistic,
  });

/** A metric that functions publish: of the fleet. */
export const fleetMetric = (
  fleetName: string,
  metricName: string,
  period: Duration,
  statistic: string = Stats.SUM,
): Metric =>
  new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [dimensionFleet]: fleetName },
    period,
    statistic,
  });

/**
 * Fill of the fullest zone in percent. A zone's nodes publish alike often, so used over capacity is the
 * quotient of their averages whatever their number.
 */
export function fullestZone(
  fleetName: string,
  zones: readonly string[],
  period: Duration,
): MathExpression {
  const metrics = zones.flatMap((zone, i) => [
    [`u${i}`, zoneMetric(fleetName, zone, metricUsedBytes, period)] as const,
    [`c${i}`, zoneMetric(fleetName, zone, metricCapacityBytes, period)] as const,
  ]);
  return new MathExpression({
    label: 'Fill of the fullest zone (%)',
    expression: `MAX([${zones.map((_, i) => `u${i}/c${i}*100`).join(', ')}])`,
    usingMetrics: Object.fromEntries(metrics),
    period,
  });
}
