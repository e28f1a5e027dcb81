/** An environment as the template sets it. */
export const environment = {
  BALLAST_FLEET: 'photos',
  BALLAST_TABLE: 'the-placement',
  BALLAST_FILES_TABLE: 'the-files',
  BALLAST_HEARTBEATS_TABLE: 'the-heartbeats',
  BALLAST_BUCKET: 'the-bucket',
  BALLAST_SECRET: 'the-secret',
  BALLAST_LAUNCH_TEMPLATE: 'lt-1',
  BALLAST_SUBNETS: 'a=subnet-a,b=subnet-b',
  BALLAST_QUEUE_CRITICAL: 'https://queues/critical',
  BALLAST_QUEUE_HIGH: 'https://queues/high',
  BALLAST_QUEUE_NORMAL: 'https://queues/normal',
  BALLAST_QUEUE_LOW: 'https://queues/low',
  BALLAST_QUEUE_SWEEP: 'https://queues/sweep',
  BALLAST_EVENT_BUS: 'the-bus',
  BALLAST_WORKFLOW_SCALE_OUT: 'arn:scale-out',
  BALLAST_WORKFLOW_DRAIN: 'arn:drain',
  BALLAST_WORKFLOW_REBALANCE: 'arn:rebalance',
  BALLAST_WORKFLOW_REPAIR: 'arn:repair',
  BALLAST_POLICY: '{"nodeCapacityBytes":1000}',
  BALLAST_PORT: '7070',
};

/** An answer of AWS that says no. */
export const awsError = (name: string, status = 400, more: object = {}): Error =>
  Object.assign(new Error(`${name} happened`), {
    name,
    $fault: status < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode: status },
    ...more,
  });

/** A connection that broke. */
export const socketError = (code: string): Error => Object.assign(new Error(code), { code });

/** Lets no time pass. */
export const atOnce = async (): Promise<void> => {};
