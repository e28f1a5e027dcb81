import { setTimeout as delay } from 'node:timers/promises';
import type { SourceFile } from '../../client/walk.ts';
import { policyKey } from '../../contract/keys.ts';
import { removeFiles } from '../../control/files.ts';
import { readNodes } from '../../control/fleet.ts';
import type { Job } from '../../control/jobs.ts';
import type { Ports } from '../../control/ports.ts';
import { startDrain, startScaleOut } from '../../control/start-job.ts';
import type { JobId, NodeId } from '../../core/ids.ts';
import { formatBytes } from '../../core/units.ts';
import { zonesOf } from '../cloud/first-nodes.ts';
import type { RunningCloud } from '../cloud/running.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { UserError } from '../user-error.ts';
import { type Account, settledAccount } from './account.ts';
import { AlarmLog } from './alarm-log.ts';
import { disturb } from './chaos.ts';
import type { DataSet } from './data-set.ts';
import { Inspector } from './inspect.ts';
import { readAllBack, readTheseBack } from './read-back.ts';
import { type DemoReport, reportOf } from './report.ts';
import { spareNode } from './spare-node.ts';
import { followJob, type Narrator, newJob, waitFor } from './stage.ts';
import { SteadyClient } from './steady-client.ts';
import { storeSet } from './store-set.ts';

/** Each wait of the demo ends at its limit. */
const jobLimitMs = 180_000;
const alarmLimitMs = 150_000;
const settleLimitMs = 60_000;
/** The client is measured alone for so long. */
const idleMs = 4_000;
/** Share of the files that are deleted, so that the fullest zone falls below the low mark. */
const deletedShare = 0.72;
const nodesAtStart = 4;

/** The acts of the main job, in their order. */
export class Show {
  readonly #context: Context;
  readonly #ports: Ports;
  readonly #zones: readonly string[];
  readonly #dataSet: DataSet;
  readonly #narrator: Narrator;
  readonly #inspector: Inspector;
  readonly #client: SteadyClient;
  readonly #alarms: AlarmLog;
  readonly #known: JobId[] = [];
  readonly #makespan = { seconds: 0, boundSeconds: 0 };
  #verifiedBefore = 0;
  #deleted = 0;

  constructor(
    context: Context,
    ports: Ports,
    cloud: RunningCloud,
    dataSet: DataSet,
    narrator: Narrator,
  ) {
    this.#context = context;
    this.#ports = ports;
    this.#zones = zonesOf(cloud.settings);
    this.#dataSet = dataSet;
    this.#narrator = narrator;
    this.#inspector = new Inspector(cloud.endpoint);
    this.#alarms = new AlarmLog(this.#inspector, narrator);
    this.#client = new SteadyClient(ports, dataSet.bytes);
  }

  async run(chaos: 'chaos' | 'calm'): Promise<DemoReport> {
    const endAlarms = this.#alarms.begin();
    try {
      await this.#launchFirst();
      const nodesStart = await this.#nodesActive();
      await this.#store();
      this.#client.start();
      await this.#measureIdle();
      await this.#byAlarm('scale-out', 'The high alarm to make the fleet grow');
      const drained = await this.#drainOne(chaos);
      const doomed = this.#doomed();
      await Promise.all([
        this.#readBackAndDelete(doomed),
        ...(chaos === 'chaos' ? [this.#loseOne(drained)] : []),
      ]);
      await this.#byAlarm('scale-in', 'The low alarm to make the fleet shrink');
      await this.#stopScaling();
      await this.#client.stop();
      this.#narrator.say('Waiting for the last parked copies to be deleted');
      const account = await settledAccount(this.#context, this.#ports, settleLimitMs);
      return await this.#conclude(nodesStart, account);
    } finally {
      endAlarms();
      await this.#client.stop();
    }
  }

  async #nodesActive(): Promise<number> {
    return (await readNodes(this.#ports.tables)).filter(({ state }) => state === 'active').length;
  }

  /** The first zone gets one node more, so that one of its nodes can leave. */
  async #launchFirst(): Promise<void> {
    const [first, ...others] = this.#zones;
    const launch = Object.fromEntries([
      [first, nodesAtStart - others.length],
      ...others.map((name) => [name, 1]),
    ]);
    this.#narrator.say(`Launching ${nodesAtStart} nodes in ${this.#zones.length} zones`);
    const started = await startScaleOut(this.#ports, launch, ['the first nodes of a new fleet']);
    if (started.kind === 'started') await this.#finishJob(started.job);
  }

  async #store(): Promise<void> {
    await storeSet(this.#context, this.#ports, this.#dataSet, this.#narrator);
    this.#client.readable = this.#dataSet.files.map(({ path }) => path);
  }

  async #measureIdle(): Promise<void> {
    this.#client.phase = 'idle';
    await delay(idleMs, undefined, { signal: this.#context.io.interrupted });
    this.#client.phase = 'other';
  }

  async #byAlarm(kind: 'scale-out' | 'scale-in', what: string): Promise<void> {
    this.#narrator.say(`Waiting: ${what[0]!.toLowerCase()}${what.slice(1)}`);
    const job = await waitFor(this.#context, what, alarmLimitMs, () =>
      newJob(this.#ports, kind, this.#known),
    );
    this.#narrator.say(`The autoscaler decided: ${job.reasons.join('; ')}`);
    await this.#finishJob(job.id);
  }

  /** Follows a job to its end and adds it to what is accounted. @throws UserError if it did not end well */
  async #finishJob(id: JobId): Promise<Job> {
    this.#known.push(id);
    const { job, movingMs } = await followJob(
      this.#context,
      this.#ports,
      this.#client,
      id,
      jobLimitMs,
    );
    const seconds = (job.endedAt - job.startedAt) / 1_000;
    const rate = this.#ports.policy.nodeRateBytes;
    this.#makespan.seconds += movingMs / 1_000;
    this.#makespan.boundSeconds += job.bytesDone / Math.max(1, job.nodes.length) / rate;
    this.#narrator.say(
      `${job.kind} ${job.state}: ${job.nodes.join(', ')}, ${job.movesDone} moves, ` +
        `${formatBytes(job.bytesDone)} in ${seconds.toFixed(1)} s`,
    );
    if (job.state === 'done') return job;
    throw new UserError(
      `The ${job.kind} job ${id} ended ${job.state}: ${job.reasons.join('; ')}`,
      exitCodes.failed,
    );
  }

  async #drainOne(chaos: 'chaos' | 'calm'): Promise<NodeId> {
    const node = await spareNode(this.#ports, this.#zones[0]!);
    const started = await waitFor(
      this.#context,
      `room for what ${node} holds (parked copies still take some)`,
      settleLimitMs,
      async () => {
        const answer = await startDrain(this.#ports, [node], ['asked for by the operator']);
        return answer.kind === 'started' ? answer : undefined;
      },
    );
    this.#narrator.say(`An operator drains ${node}`);
    if (chaos === 'chaos')
      await Promise.all([
        disturb(this.#context, this.#ports, this.#inspector, started.job, this.#narrator),
        this.#finishJob(started.job),
      ]);
    else await this.#finishJob(started.job);
    return node;
  }

  /** A machine and its disk are gone for good: what it held is made again from the other zones. */
  async #loseOne(without: NodeId): Promise<void> {
    const id = await spareNode(this.#ports, this.#zones.at(-1)!);
    const node = (await readNodes(this.#ports.tables)).find(
      (each) => each.id === id && id !== without,
    )!;
    this.#narrator.say(`Chaos: ${id} and its disk are lost`);
    await this.#inspector.loseInstance(node.instance);
    const job = await waitFor(this.#context, 'the repair to start', alarmLimitMs, () =>
      newJob(this.#ports, 'repair', this.#known),
    );
    await this.#finishJob(job.id);
  }

  /** The files that are deleted in the middle of the run; the client leaves them alone from here on. */
  #doomed(): readonly SourceFile[] {
    const { files } = this.#dataSet;
    const goes = (i: number) => (i * 7) % 100 < deletedShare * 100;
    this.#client.readable = files.filter((_, i) => !goes(i)).map(({ path }) => path);
    return files.filter((_, i) => goes(i));
  }

  /** What goes is read back first, so that every file of the run is. */
  async #readBackAndDelete(doomed: readonly SourceFile[]): Promise<void> {
    this.#verifiedBefore = await readTheseBack(this.#ports, doomed, this.#narrator);
    this.#deleted = await removeFiles(
      this.#ports,
      doomed.map(({ path }) => path),
    );
    const { length } = this.#dataSet.files;
    this.#narrator.say(`Read back and deleted ${this.#deleted} of ${length} files`);
  }

  /** Where the fleet may shrink once more it would, in the middle of the account. */
  async #stopScaling(): Promise<void> {
    await this.#ports.tables.write([{ op: 'put', key: policyKey, fields: { autoscaling: false } }]);
  }

  async #conclude(nodesStart: number, account: Account): Promise<DemoReport> {
    this.#narrator.say('Reading every file back and comparing it with its source');
    const right = await readAllBack(
      this.#ports,
      account,
      this.#client,
      this.#dataSet.files,
      this.#narrator,
    );
    return reportOf(this.#ports, {
      account,
      filesDeleted: this.#deleted,
      filesVerified: this.#verifiedBefore + right,
      nodesStart,
      nodesEnd: await this.#nodesActive(),
      client: this.#client,
      calls: await this.#inspector.calls(),
      state: await this.#inspector.state(),
      alarmHistory: this.#alarms.states,
      makespan: this.#makespan,
      seconds: this.#narrator.seconds,
    });
  }
}
