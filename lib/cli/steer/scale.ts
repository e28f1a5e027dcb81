import { answerDrain } from '../../control/answer-drain.ts';
import { type NodeWithBeat, readFleet } from '../../control/fleet.ts';
import type { Ports } from '../../control/ports.ts';
import { previewDrain, startDrain, startScaleOut } from '../../control/start-job.ts';
import { explainBlock } from '../../core/explain-block.ts';
import type { NodeClass } from '../../core/fleet.ts';
import { byCodeUnit } from '../../core/ids.ts';
import { zonesOf } from '../cloud/first-nodes.ts';
import { withStore } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { counted } from '../text.ts';
import { UserError } from '../user-error.ts';
import { preview } from './drain.ts';
import { spreadOverZones } from './spread-over-zones.ts';
import { answerStarted, type Waiting } from './started.ts';

export interface ScaleOptions extends Waiting {
  readonly dryRun?: true;
}

export interface ScaleOutOptions extends ScaleOptions {
  /** What the nodes may hold. */
  readonly nodeClass: NodeClass;
}

const asked = 'asked for by an operator';

/** States of nodes that are, or soon will be, part of the fleet. */
const staying = ['launched', 'joining', 'active'];

export const scaleOut = (
  context: Context,
  count: number,
  zone: string | undefined,
  options: ScaleOutOptions,
): Promise<Answer> =>
  withStore(context, async (ports, settings) => {
    const fleet = await readFleet(ports.tables);
    const zones = zonesOf(settings);
    if (zone !== undefined && !zones.includes(zone)) {
      throw new UserError(`There is no zone ${zone}: the fleet has ${zones.join(', ')}.`);
    }
    const present = fleet.filter(({ state }) => staying.includes(state));
    const launch = spreadOverZones(count, zone === undefined ? zones : [zone], present);
    if (options.dryRun) return previewLaunch(launch);
    const started = await startScaleOut(ports, launch, [asked], options.nodeClass);
    return answerStarted(context, ports, started, options);
  });

/** Drains the node that can leave at the least cost, if any can. */
export const scaleIn = (context: Context, options: ScaleOptions): Promise<Answer> =>
  withStore(context, async (ports) => {
    const fleet = await readFleet(ports.tables);
    const { nodesMin } = ports.policy;
    const active = fleet.filter(({ state }) => state === 'active');
    if (active.length <= nodesMin) {
      throw new UserError(
        `The fleet has ${active.length} active nodes and the policy wants ${nodesMin} at least.`,
        exitCodes.blocked,
      );
    }
    const node = await cheapestToLeave(ports, active);
    if (options.dryRun) return preview(ports, [node.id], await answerDrain(ports, [node.id]));
    return answerStarted(context, ports, await startDrain(ports, [node.id], [asked]), options);
  });

const previewLaunch = (launch: Readonly<Record<string, number>>): Answer => ({
  document: { launch },
  text: () =>
    `Would launch ${Object.entries(launch)
      .map(([zone, count]) => `${counted(count, 'node')} in zone ${zone}`)
      .join(', ')}; nothing was launched.`,
});

const usedBytes = (node: NodeWithBeat): number => node.beat?.usedBytes ?? 0;

async function cheapestToLeave(
  ports: Ports,
  active: readonly NodeWithBeat[],
): Promise<NodeWithBeat> {
  const inOrder = [...active].sort(
    (left, right) => usedBytes(left) - usedBytes(right) || byCodeUnit(left.id, right.id),
  );
  const refusals: string[] = [];
  for (const node of inOrder) {
    const { blocks } = await previewDrain(ports, [node.id]);
    if (blocks.length === 0) return node;
    refusals.push(`${node.id}: ${explainBlock(blocks[0]!)}`);
  }
  throw new UserError(`No node can leave: ${refusals.join('; ')}.`, exitCodes.blocked);
}
