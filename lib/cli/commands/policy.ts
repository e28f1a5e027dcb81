import { type Command, Option } from '@commander-js/extra-typings';
import { loadShapes } from '../../core/load.ts';
import { wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';

export function addPolicyCommands(program: Command, run: Run): void {
  const policy = program.command('policy').description('limits, marks and times');
  policy
    .command('get')
    .description('what is in force')
    .action(() => run(async (context) => (await import('../steer/policy.ts')).getPolicy(context)));
  policy
    .command('set')
    .description('set some of it')
    .argument('[assignments...]', 'NAME=VALUE')
    .option('--file <file>', 'JSON object of what to set')
    .action((assignments, { file }) =>
      run(async (context) =>
        (await import('../steer/policy.ts')).setPolicy(context, assignments, file),
      ),
    );
  policy
    .command('replay')
    .description('what a policy would have done over recorded or generated history')
    .option('--history <file>', 'NDJSON of export-history; without it the recorded history')
    .addOption(new Option('--generate <what>', 'a load that is drawn').choices(['month'] as const))
    .addOption(
      new Option('--shape <shape>', 'of the generated load')
        .choices([...loadShapes, 'calm'] as const)
        .default('growing' as const),
    )
    .option('--seed <number>', 'of the generated load', wholeNumber(0, 2 ** 32 - 1), 1)
    .option('--policy <file>', 'JSON object of what to change in the policy')
    .action((options) =>
      run(async (context) => (await import('../steer/replay.ts')).replayPolicy(context, options)),
    );
  policy
    .command('export-history')
    .description('print the recorded history as NDJSON')
    .action(() =>
      run(async (context) => (await import('../steer/replay.ts')).exportHistory(context)),
    );
}
