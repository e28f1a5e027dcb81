import { setTimeout as delay } from 'node:timers/promises';
import { addressOf, type NodeView, readNodes } from '../../control/fleet.ts';
import { NodeRefused, NodeUnreachable, type Ports } from '../../control/ports.ts';
import { servesReads } from '../../core/lifecycle.ts';
import type { Io } from '../context.ts';

/** An agent reads its records back in a second or two; one that needs longer is not waited for. */
const answerLimitMs = 20_000;
const askEveryMs = 100;

/** Waits until every node that serves reads answers, within a limit. @returns those that do not */
export async function nodesNotAnswering(io: Io, ports: Ports): Promise<readonly NodeView[]> {
  const end = io.now() + answerLimitMs;
  let silent = (await readNodes(ports.tables)).filter(({ state }) => servesReads(state));
  for (;;) {
    const answers = await Promise.all(silent.map((node) => doesAnswer(ports, node)));
    silent = silent.filter((_, i) => !answers[i]);
    if (silent.length === 0 || io.now() > end) return silent;
    await delay(askEveryMs, undefined, { signal: io.interrupted });
  }
}

async function doesAnswer(ports: Ports, node: NodeView): Promise<boolean> {
  try {
    await ports.nodes.stats(addressOf(node));
    return true;
  } catch (error) {
    if (error instanceof NodeUnreachable || error instanceof NodeRefused) return false;
    throw error;
  }
}
