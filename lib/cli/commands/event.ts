import { Argument, type Command } from '@commander-js/extra-typings';
import { leavingStates } from '../../contract/notices.ts';
import type { Wanted } from '../event/send.ts';
import { moment } from '../numbers.ts';
import type { Run } from '../program.ts';

/** What AWS would tell the fleet; only the local cloud can be asked to. */
export function addEventCommands(program: Command, run: Run): void {
  const event = program.command('event').description('have the local cloud send what AWS would');
  const send = (wanted: Wanted) =>
    run(async (context) => (await import('../event/send.ts')).sendEvent(context, wanted));
  event
    .command('spot-interruption')
    .description('EC2 takes the node’s machine back in two minutes')
    .argument('<node>')
    .action((node) => send({ kind: 'spot-interruption', node }));
  event
    .command('rebalance-recommendation')
    .description('EC2 may take the node’s machine back soon')
    .argument('<node>')
    .action((node) => send({ kind: 'rebalance-recommendation', node }));
  event
    .command('retirement')
    .description('AWS Health has a date for the end of the node’s machine')
    .argument('<node>')
    .requiredOption('--at <time>', 'e.g. 2h from now, or 2026-08-27T12:00Z', moment)
    .action((node, { at }) => send({ kind: 'retirement', node, at }));
  event
    .command('instance-state')
    .description('EC2 says that the machine’s state has changed; it is looked up, not believed')
    .argument('<node>')
    .addArgument(new Argument('<state>').choices(leavingStates))
    .action((node, state) => send({ kind: 'instance-state', node, state }));
  event
    .command('zone-impaired')
    .description('AWS shifts traffic away from a zone: planned moves from and to it wait')
    .argument('<zone>')
    .action((zone) => send({ kind: 'zone-impaired', zone }));
  event
    .command('zone-recovered')
    .description('AWS shifts traffic back')
    .argument('<zone>')
    .action((zone) => send({ kind: 'zone-recovered', zone }));
}
