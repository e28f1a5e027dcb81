import { type Command, Option } from '@commander-js/extra-typings';
import { nodeClasses } from '../../core/fleet.ts';
import { duration, wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';
import { addPolicyCommands } from './policy.ts';

const nodesMax = 1_000;
const waitText = 'wait for its end';
const timeoutText = 'wait so long at most, e.g. 90s, 5m (exit code 124)';

export function addSteerCommands(program: Command, run: Run): void {
  program
    .command('drain')
    .description('move everything off nodes, together, then terminate them')
    .argument('<nodes...>')
    .option('--dry-run', 'only say what would move, or what stands against it')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((nodes, options) =>
      run(async (context) => (await import('../steer/drain.ts')).drain(context, nodes, options)),
    );
  program
    .command('undrain')
    .description('give a draining node back')
    .argument('<node>')
    .action((node) =>
      run(async (context) => (await import('../steer/undrain.ts')).undrain(context, node)),
    );
  addScale(program, run);
  program
    .command('rebalance')
    .description('show what levelling the fleet would move; --yes moves it')
    .option('--yes', 'start it')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((options) =>
      run(async (context) => (await import('../steer/rebalance.ts')).rebalance(context, options)),
    );
  program
    .command('cancel')
    .description('end a job; its nodes are given back')
    .argument('<job>')
    .action((job) =>
      run(async (context) => (await import('../steer/cancel.ts')).cancel(context, job)),
    );
  addPolicyCommands(program, run);
}

function addScale(program: Command, run: Run): void {
  const scale = program.command('scale').description('add nodes, or let one go');
  scale
    .command('out')
    .description('launch nodes where zones have fewest, then rebalance')
    .argument('<count>', 'nodes', wholeNumber(1, nodesMax))
    .option('--zone <zone>', 'only in this zone')
    .addOption(
      new Option('--class <class>', 'what the nodes may hold')
        .choices(nodeClasses)
        .default('mixed' as const),
    )
    .option('--dry-run', 'only say where')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((count, { zone, class: nodeClass, ...options }) =>
      run(async (context) =>
        (await import('../steer/scale.ts')).scaleOut(context, count, zone, {
          ...options,
          nodeClass,
        }),
      ),
    );
  scale
    .command('in')
    .description('drain the node that can leave at the least cost')
    .option('--dry-run', 'only say which, and what would move')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((options) =>
      run(async (context) => (await import('../steer/scale.ts')).scaleIn(context, options)),
    );
}
