import type { DataSet } from './data-set.ts';

/** Where the fullest zone stands once everything is stored: above the high mark, below the hard one. */
const fillAtEnd = 0.9;
/** Room for the blocks of tiny data sets. */
const capacityMin = 256 * 1024;

/**
 * CDK context of the demo: the template is the one that goes to AWS, with nodes as small as the data set
 * and times as short as a demonstration.
 */
export function demoContext(dataSet: DataSet): Readonly<Record<string, unknown>> {
  const nodeCapacityBytes = Math.max(capacityMin, Math.ceil(dataSet.bytes / fillAtEnd));
  return {
    'ballast:fleetName': 'demo',
    'ballast:nodeCapacityBytes': nodeCapacityBytes,
    'ballast:alarmPeriodSeconds': 10,
    'ballast:alarmHighPeriods': 1,
    'ballast:alarmLowPeriods': 1,
    'ballast:heartbeatSeconds': 2,
    'ballast:policy': {
      nodesMin: 3,
      nodesMax: 8,
      fillHighForMs: 0,
      fillLowForMs: 0,
      leadMs: 60_000,
      spareForMs: 60_000,
      cooldownOutMs: 90_000,
      cooldownInMs: 20_000,
      deadAfterMs: 60_000,
      joinLimitMs: 60_000,
      graceMs: 1_000,
      connectionsLimitMs: 1_000,
      parkingMs: 1_000,
      flightLimitMs: 5_000,
    },
  };
}
