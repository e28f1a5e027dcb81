import * as z from 'zod/mini';

/**
 * Settings that cross from the template into processes, by environment variable. One schema a process;
 * each is parsed once, where the process starts.
 */

/** What every control-plane function and the command line know. */
export const ControlEnv = z.object({
  BALLAST_FLEET: z.string(),
  BALLAST_TABLE: z.string(),
  BALLAST_FILES_TABLE: z.string(),
  BALLAST_HEARTBEATS_TABLE: z.string(),
  BALLAST_BUCKET: z.string(),
  /** Secrets Manager id of the capability secret. */
  BALLAST_SECRET: z.string(),
  BALLAST_LAUNCH_TEMPLATE: z.string(),
  /** Comma-separated subnets for nodes, one a zone: `zone=subnet`. */
  BALLAST_SUBNETS: z.string(),
  BALLAST_QUEUE_CRITICAL: z.string(),
  BALLAST_QUEUE_HIGH: z.string(),
  BALLAST_QUEUE_NORMAL: z.string(),
  BALLAST_QUEUE_LOW: z.string(),
  BALLAST_QUEUE_SWEEP: z.string(),
  /** Name of the bus that the fleet's own events go to. */
  BALLAST_EVENT_BUS: z.string(),
  BALLAST_WORKFLOW_SCALE_OUT: z.string(),
  BALLAST_WORKFLOW_DRAIN: z.string(),
  BALLAST_WORKFLOW_REBALANCE: z.string(),
  BALLAST_WORKFLOW_REPAIR: z.string(),
  /** JSON of contract/policy.ts: the defaults of this deployment. */
  BALLAST_POLICY: z.string(),
  /** Tag and name prefix of what belongs to the fleet; port of its agents. */
  BALLAST_PORT: z.string(),
});
export type ControlEnv = z.infer<typeof ControlEnv>;

/** /etc/ballast/agent.env on a node. */
export const AgentEnv = z.object({
  BALLAST_FLEET: z.string(),
  BALLAST_HEARTBEATS_TABLE: z.string(),
  /** `s3://bucket/key` of the agent's bundle. */
  BALLAST_BUNDLE: z.string(),
  BALLAST_DATA_DIR: z.string(),
  BALLAST_PORT: z.string(),
  /** Bytes; `auto` takes the disk's size less a reserve. */
  BALLAST_CAPACITY: z.string(),
  BALLAST_HEARTBEAT_SECONDS: z.string(),
  /** Bytes a second that background transfers may use, in and out each. */
  BALLAST_BACKGROUND_RATE: z.string(),
});
export type AgentEnv = z.infer<typeof AgentEnv>;

/** Tags on an instance; the agent reads them from the instance metadata service. */
export const tagNode = 'ballast:node';
export const tagFleet = 'ballast:fleet';
export const tagLaunch = 'ballast:launch';
/** Bytes for chunks, of a node that was launched as another type than the template's. */
export const tagCapacity = 'ballast:capacity';
export const tagCapabilityKey = 'ballast:capability-key';
