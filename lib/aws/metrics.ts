import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  dimensionFleet,
  metricBytesMoved,
  metricJobsBlocked,
  metricMachinesLeaving,
  metricMovesCommitted,
  metricMovesStalled,
  metricNamespace,
  metricNodesDead,
  metricZonesPaused,
} from '../contract/metrics.ts';
import type { Fields } from '../control/ports.ts';

/** Which events of lib/control count, and how much of their detail. */
const metricsByEvent: Readonly<
  Record<string, (detail: Fields) => Readonly<Record<string, number>>>
> = {
  'moves-committed': ({ moves, bytes }) => ({
    [metricMovesCommitted]: Number(moves),
    [metricBytesMoved]: Number(bytes),
  }),
  'flight-silent': () => ({ [metricMovesStalled]: 1 }),
  'node-dead': () => ({ [metricNodesDead]: 1 }),
  'job-blocked': () => ({ [metricJobsBlocked]: 1 }),
  'machine-leaving': ({ nodes }) => ({
    [metricMachinesLeaving]: (nodes as readonly string[]).length,
  }),
  'zone-paused': () => ({ [metricZonesPaused]: 1 }),
};

/** Publishes what an event counts for, as a line in the embedded metric format on stdout. */
export type CountEvent = (event: string, detail: Fields) => void;

export function eventMetrics(fleet: string): CountEvent {
  const metrics = new Metrics({ namespace: metricNamespace });
  // Powertools would add the service's name: alarms name the fleet alone.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ [dimensionFleet]: fleet });
  return (event, detail) => {
    const counted = metricsByEvent[event]?.(detail);
    if (counted === undefined) return;
    for (const [name, value] of Object.entries(counted)) {
      metrics.addMetric(name, MetricUnit.Count, value);
    }
    metrics.publishStoredMetrics();
  };
}
