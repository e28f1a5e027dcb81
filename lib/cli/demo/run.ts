import { accessSync, constants, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { formatBytes } from '../../core/units.ts';
import { stopCloud } from '../cloud/down.ts';
import { findRunningCloud, type RunningCloud } from '../cloud/running.ts';
import { synthesise } from '../cloud/synthesise.ts';
import { startDaemon } from '../cloud/up.ts';
import { connectTo } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { UserError } from '../user-error.ts';
import { chooseDataSet, type DataSet } from './data-set.ts';
import { type DemoReport, shortcomings, summaryOf } from './report.ts';
import { demoContext } from './settings.ts';
import { Show } from './show.ts';
import { Narrator } from './stage.ts';

export interface DemoOptions {
  readonly data: string | undefined;
  /** File to write the report to, as JSON. */
  readonly report: string | undefined;
  /** Leaves the local cloud running at the end. */
  readonly keep: boolean;
  readonly chaos: boolean;
}

/**
 * The main job: a fleet on the local cloud, from the synthesised template, stores real files, grows by its
 * alarm, drains a node, shrinks by its alarm, and every file is read back. Ends with what was measured;
 * exit code 0 only if all of it holds.
 */
export async function runDemo(context: Context, options: DemoOptions): Promise<Answer> {
  if (options.report !== undefined) assertWritable(options.report);
  const home = resolve(context.globals.home, 'demo');
  const inside: Context = { ...context, globals: { ...context.globals, home } };
  const narrator = new Narrator(context);
  const project = dirname(dirname(context.world.commandFile));
  const dataSet = await chooseDataSet(options.data, project, context.globals.home);
  narrator.say(
    `Data: ${dataSet.files.length} files, ${formatBytes(dataSet.bytes)}, of ${dataSet.from}`,
  );
  const cloud = await startCloudFor(inside, dataSet, narrator);
  let ended = false;
  try {
    const report = await play(inside, cloud, dataSet, narrator, options);
    if (options.report !== undefined) writeReport(options.report, report);
    ended = true;
    return answerOf(report);
  } finally {
    if (options.keep) context.io.err(`The local cloud goes on: use --home ${home}\n`);
    else {
      await stopCloud(inside, cloud);
      // What failed is left for whoever wants to know why; what was interrupted is not wanted.
      const isWanted = !ended && !context.io.interrupted.aborted;
      if (!isWanted) rmSync(home, { recursive: true, force: true });
    }
  }
}

async function startCloudFor(
  context: Context,
  dataSet: DataSet,
  narrator: Narrator,
): Promise<RunningCloud> {
  const { home } = context.globals;
  if ((await findRunningCloud(home)) !== undefined) {
    throw new UserError(
      `A demo's local cloud still runs on ${home}: stop it with \`ballast down --home ${home}\`.`,
    );
  }
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  const assembly = join(home, 'cdk.out');
  narrator.say('Synthesising the CDK app');
  await synthesise(context, assembly, demoContext(dataSet));
  narrator.say('Starting the local cloud from the synthesised template');
  return startDaemon(context, assembly, undefined);
}

async function play(
  context: Context,
  cloud: RunningCloud,
  dataSet: DataSet,
  narrator: Narrator,
  { chaos }: DemoOptions,
): Promise<DemoReport> {
  const store = await connectTo(context, cloud);
  try {
    return await new Show(context, store.ports, cloud, dataSet, narrator).run(
      chaos ? 'chaos' : 'calm',
    );
  } finally {
    store.close();
  }
}

/** Known before the run, not after it. */
function assertWritable(file: string): void {
  try {
    accessSync(dirname(resolve(file)), constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(
      `The report ${file} cannot be written (${code}): name a file in a directory.`,
    );
  }
}

function writeReport(file: string, report: DemoReport): void {
  const next = `${file}.${process.pid}`;
  try {
    writeFileSync(next, `${JSON.stringify(report, null, 2)}\n`);
    renameSync(next, file);
  } catch (error) {
    rmSync(next, { force: true });
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`The report ${file} cannot be written (${code}).`, exitCodes.failed);
  }
}

function answerOf(report: DemoReport): Answer {
  const lacks = shortcomings(report);
  const rows = summaryOf(report);
  const width = Math.max(...rows.map(([name]) => name.length));
  return {
    document: { ...report, shortcomings: lacks },
    text: () =>
      [
        ...rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
        '',
        ...(lacks.length === 0
          ? ['All of it holds.']
          : lacks.map((lack) => `It does not hold: ${lack}.`)),
      ].join('\n'),
    exitCode: lacks.length === 0 ? exitCodes.ok : exitCodes.failed,
  };
}
