/** `ballast policy replay`: what a policy would have done over a history, beside the reference's rule. */
import { historyLines, readHistoryLines } from '../../contract/history-lines.ts';
import type { Policy } from '../../contract/policy.ts';
import type { HistoryRecord } from '../../contract/records.ts';
import { readHistory, samplesOf } from '../../control/history.ts';
import { historySeconds } from '../../control/limits.ts';
import { zone } from '../../core/ids.ts';
import { generateMonth, type Load, type LoadShape, recordedLoad } from '../../core/load.ts';
import { type ReplayReport, replay } from '../../core/replay.ts';
import { firstType, OurRule, referenceRule } from '../../core/replay-rules.ts';
import { formatBytes } from '../../core/units.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { BadUsage, readNdjson } from '../plan.ts';
import { formatShare, table } from '../text.ts';
import { UserError } from '../user-error.ts';
import { checkPolicy, parsePolicyFile } from './policy.ts';

export interface ReplayOptions {
  /** NDJSON of `policy export-history`; without it and without `generate` the deployment's own. */
  readonly history?: string;
  readonly generate?: string;
  readonly seed: number;
  readonly shape: LoadShape;
  /** JSON of the policy's changes. */
  readonly policy?: string;
}

/** Boot, join and health gate: what a launch takes on EC2. */
const launchMs = 300_000;
/** Offline there is no deployment to say how large a node is: the default stack's volume, as the reserve leaves it. */
const capacityDefault = 1e12;
/** What a generated zone holds at first. */
const nodesWorth = 5;

interface Replayed {
  readonly load: Load;
  readonly policy: Policy;
}

export async function replayPolicy(context: Context, options: ReplayOptions): Promise<Answer> {
  const { history, generate } = options;
  if (history !== undefined && generate !== undefined) {
    throw new UserError('Both --history and --generate were given: choose one.');
  }
  const changes = options.policy === undefined ? {} : parsePolicyFile(options.policy);
  if (generate !== undefined) {
    const policy = checkPolicy({ nodeCapacityBytes: capacityDefault }, changes);
    const baseBytes = nodesWorth * policy.nodeCapacityBytes;
    return answer({ policy, load: generateMonth(options.seed, options.shape, baseBytes) });
  }
  if (history === undefined) return replayRecorded(context, changes);
  const records = await readFile(history);
  const policy = checkPolicy({ nodeCapacityBytes: nodeSizeIn(records) }, changes);
  return answer({ policy, load: loadOf(records, history) });
}

const replayRecorded = (context: Context, changes: Partial<Policy>): Promise<Answer> =>
  withStore(context, async (ports) => {
    const now = ports.now();
    const records = await readHistory(ports.tables, now - historySeconds * 1000, now);
    return answer({
      policy: checkPolicy(ports.policy, changes),
      load: loadOf(records, 'the recorded history'),
    });
  });

/** Prints the recorded history as NDJSON. */
export const exportHistory = (context: Context): Promise<Answer> =>
  withStore(context, async (ports) => {
    const now = ports.now();
    const history = await readHistory(ports.tables, now - historySeconds * 1000, now);
    return { document: { history }, text: () => [...historyLines(history)].join('') };
  });

async function readFile(file: string): Promise<readonly HistoryRecord[]> {
  try {
    return await readNdjson(file, readHistoryLines);
  } catch (error) {
    if (!(error instanceof BadUsage)) throw error;
    throw new UserError(`${error.message}.`);
  }
}

function loadOf(records: readonly HistoryRecord[], from: string): Load {
  const names = [...new Set(records.flatMap(({ zones }) => zones.map((each) => each.zone)))].sort();
  if (records.length < 2 || names.length === 0) {
    throw new UserError(
      `There is too little in ${from} to replay: ${records.length} records of ${names.length} zones.`,
    );
  }
  return recordedLoad(
    names.map((name) => ({ zone: zone(name), samples: samplesOf(records, name) })),
  );
}

/** The mean node of the first look. */
function nodeSizeIn(records: readonly HistoryRecord[]): number {
  const zones = records[0]?.zones ?? [];
  const nodes = zones.reduce((sum, each) => sum + each.nodes, 0);
  const capacity = zones.reduce((sum, { capacityBytes }) => sum + capacityBytes, 0);
  return nodes > 0 && capacity > 0 ? capacity / nodes : capacityDefault;
}

function answer({ load, policy }: Replayed): Answer {
  const { graceMs, nodeRateBytes, rebalanceBand: band } = policy;
  const times = { launchMs, graceMs, nodeRateBytes, band };
  const ours = replay(load, new OurRule(policy), policy, times);
  const reference = replay(load, referenceRule(firstType(policy)), policy, times);
  const nodeHoursSaved = 1 - ours.nodeHours / reference.nodeHours;
  const days = (load.to - load.from) / 86_400_000;
  const document = { days, zones: load.zones, policy: ours, reference, nodeHoursSaved };
  return { document, text: () => render(document) };
}

interface Outcome {
  readonly days: number;
  readonly zones: readonly string[];
  readonly policy: ReplayReport;
  readonly reference: ReplayReport;
  readonly nodeHoursSaved: number;
}

const lines: readonly (readonly [what: string, of: (report: ReplayReport) => string])[] = [
  ['scale-outs', ({ scaleOuts }) => String(scaleOuts)],
  ['scale-ins', ({ scaleIns }) => String(scaleIns)],
  ['nodes added', ({ nodesAdded }) => String(nodesAdded)],
  ['flaps', ({ flaps }) => String(flaps)],
  ['bytes moved', ({ bytesMoved }) => formatBytes(Math.round(bytesMoved))],
  ['node-hours', ({ nodeHours }) => nodeHours.toFixed(0)],
  ['cost', ({ dollars }) => `$${dollars.toFixed(0)}`],
  ['most nodes', ({ nodesMost }) => String(nodesMost)],
  ['fullest zone', ({ fillMost }) => formatShare(fillMost)],
  ['hours over the high mark', ({ hoursOverHigh }) => hoursOverHigh.toFixed(1)],
  ['hours over the hard limit', ({ hoursOverHard }) => hoursOverHard.toFixed(1)],
];

function render({ days, zones, policy, reference, nodeHoursSaved }: Outcome): string {
  const rows = lines.map(([what, of]) => [what, of(policy), of(reference)]);
  return [
    `${days.toFixed(1)} days of zones ${zones.join(', ')}:`,
    table(['', 'THIS POLICY', 'REFERENCE'], rows),
    `Node-hours against the reference's rule: ${formatShare(-nodeHoursSaved)}.`,
  ].join('\n');
}
