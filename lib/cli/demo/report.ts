import { listJobs } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { formatBytes } from '../../core/units.ts';
import type { Account } from './account.ts';
import type { CallCounts, CloudState } from './inspect.ts';
import type { SteadyClient } from './steady-client.ts';

/** What the run showed. Every figure was measured in it. */
export interface DemoReport {
  /** Every file that was stored, the deleted ones too: those were read back before. */
  readonly filesTotal: number;
  readonly filesVerified: number;
  readonly filesDeleted: number;
  /** At the end, as are the chunks. */
  readonly bytesStored: number;
  readonly chunks: number;
  readonly nodesStart: number;
  readonly nodesEnd: number;
  readonly scaleOuts: number;
  readonly drains: number;
  readonly repairs: number;
  readonly movesTotal: number;
  readonly movesFailed: number;
  readonly movesRetried: number;
  readonly bytesMoved: number;
  readonly bytesMovedMinimum: number;
  readonly underReplicated: number;
  readonly orphans: number;
  readonly makespanSeconds: number;
  readonly makespanBoundSeconds: number;
  readonly clientP99MsIdle: number | null;
  readonly clientP99MsDuringMoves: number | null;
  readonly clientReads: number;
  readonly clientWrites: number;
  readonly clientFailures: readonly string[];
  /** By service and action. */
  readonly awsCalls: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Calls of the control plane (functions and their event sources) over committed moves. */
  readonly awsCallsPerChunkMoved: number | null;
  readonly alarms: readonly { readonly name: string; readonly states: readonly string[] }[];
  readonly executions: readonly {
    readonly name: string;
    readonly stateMachine: string;
    readonly status: string;
  }[];
  readonly seconds: number;
}

export interface Findings {
  readonly account: Account;
  readonly filesVerified: number;
  readonly filesDeleted: number;
  readonly nodesStart: number;
  readonly nodesEnd: number;
  readonly client: SteadyClient;
  readonly calls: CallCounts;
  readonly state: CloudState;
  readonly alarmHistory: ReadonlyMap<string, readonly string[]>;
  /** Seconds in which moves ran, and the bound on them: bytes over rate at the busiest node. */
  readonly makespan: { readonly seconds: number; readonly boundSeconds: number };
  readonly seconds: number;
}

export async function reportOf(ports: Ports, found: Findings): Promise<DemoReport> {
  const jobs = await listJobs(ports.tables);
  const done = jobs.filter(({ state }) => state === 'done');
  const sum = (of: (job: (typeof jobs)[number]) => number) =>
    jobs.reduce((n, job) => n + of(job), 0);
  const movesTotal = sum(({ movesDone }) => movesDone);
  const { account, client } = found;
  return {
    filesTotal: account.files.length + found.filesDeleted,
    filesVerified: found.filesVerified,
    filesDeleted: found.filesDeleted,
    bytesStored: account.bytesStored,
    chunks: account.chunks,
    nodesStart: found.nodesStart,
    nodesEnd: found.nodesEnd,
    scaleOuts: done.filter(({ kind, movesPlanned }) => kind === 'scale-out' && movesPlanned > 0)
      .length,
    drains: done.filter(({ kind }) => kind === 'drain' || kind === 'scale-in').length,
    repairs: done.filter(({ kind }) => kind === 'repair').length,
    movesTotal,
    movesFailed: sum(({ movesFailed }) => movesFailed),
    movesRetried: sum(({ movesRetried }) => movesRetried),
    bytesMoved: sum(({ bytesDone }) => bytesDone),
    bytesMovedMinimum: sum(({ bytesMinimum }) => bytesMinimum),
    underReplicated: account.underReplicated,
    orphans: account.orphans,
    makespanSeconds: rounded(found.makespan.seconds),
    makespanBoundSeconds: rounded(found.makespan.boundSeconds),
    clientP99MsIdle: client.p99('idle'),
    clientP99MsDuringMoves: client.p99('moves'),
    clientReads: client.reads,
    clientWrites: client.writes,
    clientFailures: client.failures,
    awsCalls: byAction(found.calls),
    awsCallsPerChunkMoved:
      movesTotal === 0 ? null : rounded(controlPlaneCalls(found.calls) / movesTotal),
    alarms: [...found.alarmHistory].map(([name, states]) => ({ name, states })),
    executions: found.state.executions.map(({ name, machineArn, status }) => ({
      name,
      stateMachine: machineArn.split(':').at(-1)!,
      status,
    })),
    seconds: rounded(found.seconds),
  };
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

/** The user (the demo's own client) and the nodes are callers too; they move no chunk. */
const controlPlane = /^(function:|event-sources$|events$)/;

const controlPlaneCalls = ({ calls }: CallCounts): number =>
  calls
    .filter(({ principal }) => controlPlane.test(principal))
    .reduce((sum, { count }) => sum + count, 0);

function byAction({ calls }: CallCounts): DemoReport['awsCalls'] {
  const sums: Record<string, Record<string, number>> = {};
  for (const { service, action, count } of calls) {
    const actions = sums[service] ?? {};
    actions[action] = (actions[action] ?? 0) + count;
    sums[service] = actions;
  }
  return sums;
}

/** What must hold for the demo to have succeeded; each that does not, in one sentence. */
export function shortcomings(report: DemoReport): readonly string[] {
  const lacks: [boolean, string][] = [
    [
      report.filesVerified !== report.filesTotal,
      `${report.filesTotal - report.filesVerified} files do not verify`,
    ],
    [report.underReplicated > 0, `${report.underReplicated} chunks lack copies or zones`],
    [report.orphans > 0, `${report.orphans} copies are on disks that no placement names`],
    [report.movesFailed > 0, `${report.movesFailed} moves failed`],
    [report.clientFailures.length > 0, `${report.clientFailures.length} client operations failed`],
    [report.scaleOuts < 1, 'no scale-out moved anything'],
    [report.drains < 2, `${report.drains} drains ended, not two`],
    [
      report.executions.some(({ status }) => status !== 'SUCCEEDED'),
      'an execution did not succeed',
    ],
    [report.bytesMoved > 1.05 * report.bytesMovedMinimum, 'more was moved than 1.05 × the minimum'],
  ];
  return lacks.filter(([lacking]) => lacking).map(([, sentence]) => sentence);
}

export function summaryOf(report: DemoReport): readonly (readonly [string, string])[] {
  const ms = (value: number | null) => (value === null ? 'not measured' : `${value} ms`);
  return [
    [
      'files verified',
      `${report.filesVerified} of ${report.filesTotal}, ${report.filesDeleted} of them deleted since`,
    ],
    [
      'chunks',
      `${report.chunks} (${formatBytes(report.bytesStored)}), ${report.underReplicated} under-replicated, ${report.orphans} orphans`,
    ],
    ['nodes', `${report.nodesStart} at the start, ${report.nodesEnd} at the end`],
    ['jobs', `${report.scaleOuts} scale-outs, ${report.drains} drains, ${report.repairs} repairs`],
    [
      'moves',
      `${report.movesTotal}, ${report.movesFailed} failed, ${report.movesRetried} tried again`,
    ],
    [
      'bytes moved',
      `${formatBytes(report.bytesMoved)}, ${(report.bytesMoved / Math.max(1, report.bytesMovedMinimum)).toFixed(3)} × the minimum`,
    ],
    ['makespan', `${report.makespanSeconds} s, bound ${report.makespanBoundSeconds} s`],
    [
      'client p99',
      `${ms(report.clientP99MsIdle)} idle, ${ms(report.clientP99MsDuringMoves)} during moves`,
    ],
    [
      'client',
      `${report.clientReads} reads, ${report.clientWrites} writes, ${report.clientFailures.length} failed`,
    ],
    ['AWS calls', `${report.awsCallsPerChunkMoved} a chunk moved`],
    ['time', `${report.seconds} s`],
  ];
}
