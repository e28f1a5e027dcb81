import type { Command } from '@commander-js/extra-typings';
import { wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';

const portsMax = 65_535;
/** Registered for nothing that runs beside a storage fleet. */
const pagePortDefault = 4780;
/** History is kept for two months. */
const hoursMax = 62 * 24;

export function addLookCommands(program: Command, run: Run): void {
  program
    .command('status')
    .description('health with its reasons, capacity, rates and what runs')
    .action(() => run(async (context) => (await import('../look/status.ts')).showStatus(context)));
  program
    .command('capacity')
    .description("what zones hold, and the planner's advice")
    .option('--trend', 'where it goes: trend, forecast with a range, days to full')
    .option('--hours <count>', 'of history for the trend', wholeNumber(3, hoursMax), 168)
    .action((options) =>
      run(async (context) => (await import('../look/capacity.ts')).showCapacity(context, options)),
    );
  program
    .command('nodes')
    .description('every node: state, fill, load')
    .action(() => run(async (context) => (await import('../look/nodes.ts')).showNodes(context)));
  program
    .command('jobs')
    .description('jobs, newest first, or one in full')
    .argument('[job]')
    .action((job) =>
      run(async (context) => {
        const { showJob, showJobs } = await import('../look/jobs.ts');
        return job === undefined ? showJobs(context) : showJob(context, job);
      }),
    );
  program
    .command('moves')
    .description('each move in flight, or each one of a job')
    .argument('[job]')
    .option('--watch', 'show what is in flight, by batch, again every second')
    .action((job, { watch }) =>
      run(async (context) => {
        const { showMoves, watchMoves } = await import('../look/moves.ts');
        return watch ? watchMoves(context) : showMoves(context, job);
      }),
    );
  program
    .command('events')
    .description('what became of jobs, nodes and zones, as EventBridge is told it')
    .option('--follow', 'show each as it comes')
    .action(({ follow }) =>
      run(async (context) => {
        const { followEvents, showEvents } = await import('../look/events.ts');
        return follow ? followEvents(context) : showEvents(context);
      }),
    );
  program
    .command('explain')
    .description('what a node, job, chunk or file is, where, and why')
    .argument('<id>', "a node's, job's or chunk's id, or a stored path")
    .action((id) =>
      run(async (context) => (await import('../look/explain.ts')).explain(context, id)),
    );
  program
    .command('dashboard')
    .description('serve the live page on this machine until Ctrl-C')
    .option('--port <port>', 'port on 127.0.0.1', wholeNumber(0, portsMax), pagePortDefault)
    .option('--no-open', 'do not open a browser')
    .action((options) =>
      run(async (context) => (await import('../dashboard.ts')).runDashboard(context, options)),
    );
}
