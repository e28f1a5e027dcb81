import type { Command } from '@commander-js/extra-typings';
import { wholeNumber } from '../numbers.ts';
import type { Run } from '../program.ts';

const nodesMax = 64;
const gibibytesMax = 1024;
const portsMax = 65_535;

export function addCloudCommands(program: Command, run: Run): void {
  program
    .command('demo')
    .description(
      'grow, level and drain a fleet of real files on a local cloud, and check every byte',
    )
    .option('--data <dir>', 'files to store (default: a part of node_modules)')
    .option('--report <file>', 'write the report here as JSON')
    .option('--keep', 'leave the local cloud running')
    .option('--chaos', 'kill a node in mid-copy and a function in mid-commit')
    .action(({ data, report, keep = false, chaos = false }) =>
      run(async (context) =>
        (await import('../demo/run.ts')).runDemo(context, { data, report, keep, chaos }),
      ),
    );
  program
    .command('up')
    .description('start a local cloud in the background, or take it up again')
    .option('--nodes <count>', 'nodes that a new one begins with', wholeNumber(0, nodesMax), 4)
    .option('--node-size <GiB>', 'capacity of each node', wholeNumber(1, gibibytesMax), 4)
    .option('--port <port>', 'port of its endpoint', wholeNumber(1, portsMax))
    .option('--assembly <dir>', 'run this synthesised assembly as it is')
    .option('--resynth', 'synthesise anew what an earlier `up` left')
    .action(({ nodes, nodeSize, port, assembly, resynth }) =>
      run(async (context) => {
        const renewal = resynth ? 'renew' : 'keep';
        const nodeCapacityBytes = nodeSize * 2 ** 30;
        const options = { nodes, nodeCapacityBytes, port, assembly, renewal } as const;
        return (await import('../cloud/up.ts')).up(context, options);
      }),
    );
  program
    .command('down')
    .description('stop the local cloud; its data stays')
    .action(() => run(async (context) => (await import('../cloud/down.ts')).down(context)));
  program
    .command('_cloud', { hidden: true })
    .requiredOption('--assembly <dir>')
    .option('--port <port>', '', wholeNumber(1, portsMax))
    .action(({ assembly, port }) =>
      run(async (context) =>
        (await import('../cloud/daemon.ts')).runDaemon(context, { assembly, port }),
      ),
    );
}
