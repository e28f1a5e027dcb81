import { Command } from '@commander-js/extra-typings';
import manifest from '../../package.json' with { type: 'json' };
import { addCloudCommands } from './commands/cloud.ts';
import { addEventCommands } from './commands/event.ts';
import { addFileCommands } from './commands/files.ts';
import { addLookCommands } from './commands/look.ts';
import { addPlanCommands } from './commands/plan.ts';
import { addSteerCommands } from './commands/steer.ts';
import type { Answer, Context, Globals, Io, World } from './context.ts';

/** Runs a command's work with its context and prints what it answers; a number is the exit code of one that printed itself. */
export type Run = (work: (context: Context) => Promise<Answer | number>) => Promise<void>;

/** The tree of commands. Each loads its code only when it runs, so that help and mistakes are quick. */
export function buildProgram(
  io: Io,
  world: World,
  answered: (answer: Answer | number) => void,
): Command {
  const program = new Command('ballast')
    .description(manifest.description)
    .version(manifest.version)
    .option('--json', 'print one JSON document to standard output')
    .option('--home <dir>', 'directory of the local cloud', '.ballast')
    .option('--settings <file>', "JSON of a deployment's stack output BallastSettings")
    .option('--profile <name>', 'AWS profile')
    .option('--region <name>', 'AWS region')
    .option('--endpoint-url <url>', 'speak to AWS services here')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: () => {} })
    .exitOverride();
  const run: Run = async (work) => {
    const globals = program.opts() as Globals;
    answered(await work({ globals, io, world }));
  };
  const group = program as unknown as Command;
  addCloudCommands(group, run);
  addFileCommands(group, run);
  addLookCommands(group, run);
  addSteerCommands(group, run);
  addPlanCommands(group, run);
  addEventCommands(group, run);
  return group;
}
