import type { Command } from '@commander-js/extra-typings';
import { duration, wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';

export function addPlanCommands(program: Command, run: Run): void {
  program
    .command('plan')
    .description('plan moves for a fleet in a file, offline, as NDJSON')
    .requiredOption('--snapshot <file>', 'the fleet as NDJSON')
    .option('--drain <nodes>', 'N,…')
    .option('--add <nodes>', 'ZONE:BYTES[:COUNT],…')
    .option('--rebalance', 'level the fleet')
    .option('--heat', "level requests as well as bytes, by the chunks' heat")
    .action((options) =>
      run(async ({ io }) => (await import('../plan.ts')).runPlan(options, io.streams)),
    );
  program
    .command('simulate')
    .description(
      'how long a plan takes at given budgets, at what cost, and who waits for what; offline',
    )
    .requiredOption('--snapshot <file>', 'the fleet as NDJSON')
    .requiredOption('--plan <file>', 'a plan as NDJSON')
    .option(
      '--node-rate <bytes>',
      'bytes a second of a node, in and out each',
      wholeNumber(1, 1e12),
    )
    .option('--batches <count>', 'batches in flight in the fleet', wholeNumber(1, 1e6))
    .option('--deadline <time>', 'time from the start in which all should be done', duration)
    .action((options) => run(async () => (await import('../simulate.ts')).simulate(options)));
}
