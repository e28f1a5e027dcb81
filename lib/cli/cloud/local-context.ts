/**
 * CDK context of a local cloud: the template is the one that goes to AWS, with nodes that fit a laptop's disk
 * and times for someone who watches. The nodes that it begins with stay, however little they hold.
 */
export const localContext = (
  nodeCapacityBytes: number,
  nodesMin: number,
): Readonly<Record<string, unknown>> => ({
  'ballast:fleetName': 'local',
  'ballast:nodeCapacityBytes': nodeCapacityBytes,
  'ballast:alarmPeriodSeconds': 10,
  'ballast:heartbeatSeconds': 2,
  'ballast:policy': {
    nodesMin,
    cooldownOutMs: 60_000,
    cooldownInMs: 120_000,
    deadAfterMs: 60_000,
    joinLimitMs: 60_000,
    graceMs: 2_000,
    connectionsLimitMs: 10_000,
    parkingMs: 10_000,
    flightLimitMs: 15_000,
  },
});
