/** Metrics that agents and functions publish and alarms read: names, dimensions, units. */
export const metricNamespace = 'Ballast';

/** Dimensions of a node's metrics: by fleet and zone, so that an alarm needs no list of nodes. */
export const dimensionFleet = 'Fleet';
export const dimensionZone = 'Zone';

/** Published by every agent once a heartbeat, dimensions Fleet + Zone, unit Bytes. Sum over nodes needs Average × count: the alarm divides Averages. */
export const metricUsedBytes = 'UsedBytes';
export const metricCapacityBytes = 'CapacityBytes';
/** Foreground p99 of a node, unit Milliseconds, dimensions Fleet + Zone. */
export const metricForegroundP99 = 'ForegroundP99';

/** Published by functions (embedded metric format), dimension Fleet, unit Count. */
export const metricMovesCommitted = 'MovesCommitted';
export const metricBytesMoved = 'BytesMoved';
export const metricMovesStalled = 'MovesStalled';
export const metricNodesDead = 'NodesDead';
export const metricJobsBlocked = 'JobsBlocked';
export const metricMachinesLeaving = 'MachinesLeaving';
export const metricZonesPaused = 'ZonesPaused';
