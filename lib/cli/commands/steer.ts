import type { Command } from '@commander-js/extra-typings';
import { duration, wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';

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
  addHold(program, run);
  addPolicy(program, run);
}

const whatText = 'a job, a batch, or a move (BATCH/NUMBER)';
const allText = 'everything that runs';

function addHold(program: Command, run: Run): void {
  program
    .command('pause')
    .description('send nothing more of it; what is in flight ends')
    .argument('[what]', 'a job or a batch')
    .option('--all', allText)
    .action((what, { all }) =>
      run(async (context) => (await import('../steer/pause.ts')).pause(context, what, all)),
    );
  program
    .command('resume')
    .description('send what was paused')
    .argument('[what]', 'a job or a batch')
    .option('--all', allText)
    .action((what, { all }) =>
      run(async (context) => (await import('../steer/pause.ts')).resume(context, what, all)),
    );
  program
    .command('cancel')
    .description('give it up; what was copied and not committed is deleted, nodes are given back')
    .argument('[what]', whatText)
    .option('--all', allText)
    .action((what, { all }) =>
      run(async (context) => (await import('../steer/cancel.ts')).cancel(context, what, all)),
    );
  program
    .command('retry')
    .description('ask again for what a job that has ended was for')
    .argument('<job>')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((job, options) =>
      run(async (context) => (await import('../steer/retry.ts')).retry(context, job, options)),
    );
}

function addScale(program: Command, run: Run): void {
  const scale = program.command('scale').description('add nodes, or let one go');
  scale
    .command('out')
    .description('launch nodes where zones have fewest, then rebalance')
    .argument('<count>', 'nodes', wholeNumber(1, nodesMax))
    .option('--zone <zone>', 'only in this zone')
    .option('--dry-run', 'only say where')
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((count, { zone, ...options }) =>
      run(async (context) =>
        (await import('../steer/scale.ts')).scaleOut(context, count, zone, options),
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

function addPolicy(program: Command, run: Run): void {
  const policy = program.command('policy').description('limits, marks and times');
  policy
    .command('get')
    .description('what is in force')
    .action(() => run(async (context) => (await import('../steer/policy.ts')).getPolicy(context)));
  policy
    .command('set')
    .description('set some of it')
    .argument('<assignments...>', 'NAME=VALUE')
    .action((assignments) =>
      run(async (context) => (await import('../steer/policy.ts')).setPolicy(context, assignments)),
    );
}
