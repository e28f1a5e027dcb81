import type { Command } from '@commander-js/extra-typings';
import type { Run } from '../program.ts';

export function addLookCommands(program: Command, run: Run): void {
  program
    .command('status')
    .description('health with its reasons, capacity, rates and what runs')
    .action(() => run(async (context) => (await import('../look/status.ts')).showStatus(context)));
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
    .command('explain')
    .description('what a node, job, chunk or file is, where, and why')
    .argument('<id>', "a node's, job's or chunk's id, or a stored path")
    .action((id) =>
      run(async (context) => (await import('../look/explain.ts')).explain(context, id)),
    );
}
