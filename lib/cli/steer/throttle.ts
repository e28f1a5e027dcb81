import { ThrottleRecord } from '../../contract/policy.ts';
import { type NodeWithBeat, readFleet } from '../../control/fleet.ts';
import { byCodeUnit } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { formatShare, table } from '../text.ts';
import { setPolicy } from './policy.ts';

/** How migration is throttled, and what each node makes of it now. */
export const showThrottle = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const policy = ThrottleRecord.parse(ports.policy);
    const nodes = (await readFleet(ports.tables)).flatMap(viewNode);
    nodes.sort((left, right) => byCodeUnit(left.node, right.node));
    return {
      document: { policy, nodes },
      text: () => `${policyLine(policy)}\n\n${nodeTable(nodes)}`,
    };
  });

export interface ThrottleOptions {
  readonly objective?: number | undefined;
  readonly missShare?: number | undefined;
  readonly rate?: number | undefined;
}

/** Sets it as `policy set` would: nodes obey within five seconds. */
export async function setThrottle(
  context: Context,
  throttle: ThrottleRecord['throttle'],
  { objective, missShare, rate }: ThrottleOptions,
): Promise<Answer> {
  const wished = Object.entries({
    throttle,
    latencyObjectiveMs: objective,
    latencyMissShareMax: missShare,
    throttleRateBytes: rate,
  }).filter(([, value]) => value !== undefined);
  await setPolicy(
    context,
    wished.map(([name, value]) => `${name}=${value}`),
  );
  return showThrottle(context);
}

interface NodeInView {
  readonly node: string;
  readonly throttle: string;
  readonly rateBytes: number;
  readonly factor: number;
  readonly p99Ms: number | null;
  readonly objectiveMs: number | null;
  readonly movesInBytes: number;
  readonly movesOutBytes: number;
  readonly reason: string;
}

const viewNode = ({ id, beat }: NodeWithBeat): readonly NodeInView[] =>
  beat === undefined
    ? []
    : [
        {
          node: id,
          throttle: beat.throttle,
          rateBytes: beat.backgroundRate,
          factor: beat.backgroundFactor,
          p99Ms: beat.p99Ms,
          objectiveMs: beat.objectiveMs,
          movesInBytes: beat.backgroundIn,
          movesOutBytes: beat.backgroundOut,
          reason: beat.throttleReason,
        },
      ];

function policyLine(policy: ThrottleRecord): string {
  switch (policy.throttle) {
    case 'latency': {
      const share = formatShare(policy.latencyMissShareMax);
      const window = `${Math.round(policy.latencyBudgetMs / 1_000)} s`;
      return `latency: ${share} of clients' requests in ${window} may take over ${policy.latencyObjectiveMs} ms, or 1.2 times what they take without moves`;
    }
    case 'fixed':
      return `fixed: ${formatBytes(policy.throttleRateBytes)}/s at a node, each way`;
    case 'load':
      return 'load: less where CPU, memory or I/O wait are high';
    case 'none':
      return "none: a node's whole rate";
  }
}

const milliseconds = (value: number | null): string =>
  value === null ? '-' : `${Math.round(value)} ms`;
const speed = (value: number): string => `${formatBytes(Math.round(value))}/s`;

function nodeTable(nodes: readonly NodeInView[]): string {
  if (nodes.length === 0) return 'No nodes.';
  const heads = ['NODE', 'THROTTLE', 'RATE', 'OF_ITS_RATE', 'P99', 'OBJECTIVE', 'IN', 'OUT', 'WHY'];
  const rows = nodes.map((node) => [
    node.node,
    node.throttle,
    speed(node.rateBytes),
    formatShare(node.factor),
    milliseconds(node.p99Ms),
    milliseconds(node.objectiveMs),
    speed(node.movesInBytes),
    speed(node.movesOutBytes),
    node.reason,
  ]);
  return table(heads, rows);
}
