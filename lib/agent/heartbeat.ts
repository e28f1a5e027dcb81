import {
  CloudWatchClient,
  type MetricDatum,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { type AttributeValue, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { Stats } from '../contract/agent.ts';
import { heartbeatKey } from '../contract/keys.ts';
import {
  dimensionFleet,
  dimensionZone,
  metricCapacityBytes,
  metricForegroundP99,
  metricNamespace,
  metricUsedBytes,
} from '../contract/metrics.ts';
import { nodeId } from '../core/ids.ts';
import { Attempts } from './attempts.ts';
import type { Log } from './log.ts';

export interface HeartbeatSettings {
  readonly fleet: string;
  readonly table: string;
  readonly port: number;
  readonly everyMs: number;
  readonly stats: () => Stats;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Long after a node is gone, so that whoever looks still sees when it was last alive. */
const keptSeconds = 3_600;
const answerMsMax = 3_000;
export const clientOptions = {
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1_000, requestTimeout: answerMsMax },
};

/**
 * Tells the control plane that this node lives and how it is, and CloudWatch what the alarms watch. A beat
 * that fails is logged when the state changes, and the next one is sent as ever: data never waits for it.
 */
export class Heartbeat {
  readonly #settings: HeartbeatSettings;
  readonly #tables = new DynamoDBClient(clientOptions);
  readonly #metrics = new CloudWatchClient(clientOptions);
  readonly #attempts: Attempts;
  /** Rises with each beat, also over restarts. */
  #seq: number;
  #timer: NodeJS.Timeout | undefined;
  #state: 'beating' | 'stopped' = 'beating';

  constructor(settings: HeartbeatSettings) {
    this.#settings = settings;
    this.#seq = settings.now();
    this.#attempts = new Attempts((event, detail) => {
      if (this.#state === 'beating') settings.log(event, detail);
    });
  }

  /** Beats until it is stopped; a beat that takes long puts the next one off. */
  async run(): Promise<void> {
    const from = performance.now();
    await this.beat();
    if (this.#state === 'stopped') return;
    const wait = Math.max(0, this.#settings.everyMs - (performance.now() - from));
    this.#timer = setTimeout(() => void this.run(), wait);
  }

  stop(): void {
    this.#state = 'stopped';
    clearTimeout(this.#timer);
    this.#tables.destroy();
    this.#metrics.destroy();
  }

  async beat(): Promise<void> {
    const stats = this.#settings.stats();
    await Promise.all([
      this.#attempts.run('heartbeat', () => this.#writeItem(stats)),
      this.#attempts.run('metrics', () => this.#publish(stats)),
    ]);
  }

  #writeItem(stats: Stats): Promise<unknown> {
    const { table, port, now } = this.#settings;
    const { pk, sk } = heartbeatKey(nodeId(stats.node));
    const at = now();
    const expiresAt = Math.floor(at / 1_000) + keptSeconds;
    const seq = this.#seq++;
    const Item = attributesOf({ ...stats, pk, sk, at, seq, port, expiresAt });
    return this.#tables.send(new PutItemCommand({ TableName: table, Item }));
  }

  #publish(stats: Stats): Promise<unknown> {
    const { fleet, now } = this.#settings;
    const Timestamp = new Date(now());
    const Dimensions = [
      { Name: dimensionFleet, Value: fleet },
      { Name: dimensionZone, Value: stats.zone },
    ];
    const datum = (MetricName: string, Unit: MetricDatum['Unit'], Value: number): MetricDatum => ({
      MetricName,
      Unit,
      Value,
      Timestamp,
      Dimensions,
      StorageResolution: 1,
    });
    const MetricData = [
      datum(metricUsedBytes, 'Bytes', stats.usedBytes),
      datum(metricCapacityBytes, 'Bytes', stats.capacityBytes),
      ...(stats.p99Ms === null ? [] : [datum(metricForegroundP99, 'Milliseconds', stats.p99Ms)]),
    ];
    return this.#metrics.send(new PutMetricDataCommand({ Namespace: metricNamespace, MetricData }));
  }
}

type Plain = string | number | boolean | null;

function attributesOf(item: Readonly<Record<string, Plain>>): Record<string, AttributeValue> {
  const attribute = (value: Plain): AttributeValue => {
    if (value === null) return { NULL: true };
    if (typeof value === 'number') return { N: String(value) };
    return typeof value === 'boolean' ? { BOOL: value } : { S: value };
  };
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, attribute(value)]));
}
