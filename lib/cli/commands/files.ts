import type { Command } from '@commander-js/extra-typings';
import type { Run } from '../program.ts';
import { redundancy } from '../redundancy.ts';

export function addFileCommands(program: Command, run: Run): void {
  program
    .command('put')
    .description('store a file or a directory')
    .argument('<source>', 'file or directory on this machine')
    .argument('<destination>', 'path in the store; / is its root')
    .option(
      '--redundancy <rule>',
      "replicated:COPIES or erasure:DATA+PARITY (default: the policy's)",
      redundancy,
    )
    .action((source, destination, options) =>
      run(async (context) =>
        (await import('../files/put.ts')).put(context, source, destination, options),
      ),
    );
  program
    .command('get')
    .description('fetch a file or everything below a path')
    .argument('<source>', 'path in the store')
    .argument('<destination>', 'file or directory on this machine')
    .option('--force', 'overwrite files that are there')
    .action((source, destination, options) =>
      run(async (context) =>
        (await import('../files/get.ts')).get(context, source, destination, options),
      ),
    );
  program
    .command('ls')
    .description('list stored files')
    .argument('[prefix]', 'only this file or what is below it', '')
    .action((prefix) =>
      run(async (context) => (await import('../files/ls.ts')).ls(context, prefix)),
    );
  program
    .command('rm')
    .description('remove stored files')
    .argument('<paths...>')
    .option('-r, --recursive', 'remove everything below the paths')
    .action((paths, options) =>
      run(async (context) => (await import('../files/rm.ts')).rm(context, paths, options)),
    );
  program
    .command('verify')
    .description('read every file back and compare its SHA-256')
    .option('--prefix <path>', 'only this file or what is below it', '')
    .option('--source <dir>', 'compare with these files too')
    .option('--repair', 'read every copy and shard, and start the repair of what is damaged')
    .action((options) =>
      run(async (context) => (await import('../files/verify.ts')).verify(context, options)),
    );
}
