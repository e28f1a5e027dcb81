import { Argument, type Command, Option } from '@commander-js/extra-typings';
import { nodeClasses } from '../../core/fleet.ts';
import { throttles } from '../../core/throttle-control.ts';
import { duration, moment, share, wholeNumber } from '../numbers.ts';
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
    .option(
      '--dry-run',
      'only say what would move and how long it takes, or what stands against it',
    )
    .option(
      '--deadline <time>',
      'refuse unless it is empty by then, e.g. 2h30m, 2026-01-31T06:00Z',
      moment,
    )
    .option('--wait', waitText)
    .option('--timeout <time>', timeoutText, duration)
    .action((nodes, options) =>
      run(async (context) => (await import('../steer/drain.ts')).drain(context, nodes, options)),
    );
  program
    .command('undrain')
    .description(
      'undo a drain: its nodes take copies again, and what moved is back without moving a byte',
    )
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
  addPolicyCommands(program, run);
  addThrottle(program, run);
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

function addThrottle(program: Command, run: Run): void {
  const throttle = program
    .command('throttle')
    .description('how migration gives way to clients, and what each node makes of it');
  throttle
    .command('get', { isDefault: true })
    .description('what is in force, at each node and why')
    .action(() =>
      run(async (context) => (await import('../steer/throttle.ts')).showThrottle(context)),
    );
  throttle
    .command('set')
    .description('set it; nodes obey within five seconds')
    .addArgument(new Argument('<throttle>', 'what it goes by').choices(throttles))
    .option('--objective <ms>', 'latency: what clients may wait', wholeNumber(1, 60_000))
    .option('--miss-share <share>', 'latency: how many of them may wait longer', share)
    .option('--rate <bytes>', 'fixed: bytes a second at a node', wholeNumber(0, 1e12))
    .action((wanted, options) =>
      run(async (context) =>
        (await import('../steer/throttle.ts')).setThrottle(context, wanted, options),
      ),
    );
}
