import type { Random } from './random.ts';

/** How often each thing goes wrong: a share of the calls that it can strike, 0 where it never does. */
export interface Faults {
  /** Any port call takes long: everything else overtakes it. */
  stall: number;
  /** The process dies at a port call; what it had sent still arrives. */
  crash: number;
  tableThrottled: number;
  /** The write did not arrive; its sender cannot know. */
  writeLost: number;
  /** The write happened; its answer did not arrive. */
  answerLost: number;
  /** The write happens after its sender was told that the outcome is unknown. */
  writeLate: number;
  /** The SDK repeated a write that had happened: the answer is that of the second. */
  writeRepeated: number;
  pageEmpty: number;
  nodeUnreachable: number;
  nodeAnswerLost: number;
  /** The request takes effect long after its sender gave up. */
  nodeLate: number;
  /** As `nodeLate`, of deletes: the one request that can destroy. */
  removeLate: number;
  bitsFlipped: number;
  /** Per node and tick. */
  powerCut: number;
  nodeRestart: number;
  /** The disk is gone, or a copy rots: few a seed, so that redundancy can hold. */
  diskLost: number;
  bitRot: number;
  /** A machine is cut off for longer than it takes to be called dead. */
  outage: number;
  messageDoubled: number;
  messageLost: number;
  messageLate: number;
  visibilityEarly: number;
  launchRefused: number;
  machineListStale: number;
  machineNeverJoins: number;
  stepDoubled: number;
  stepReplayed: number;
  executionLost: number;
  heartbeatLost: number;
}

/** The most that a fault strikes in a hostile seed. */
const worst: Faults = {
  stall: 0.1,
  crash: 0.03,
  tableThrottled: 0.15,
  writeLost: 0.08,
  answerLost: 0.15,
  writeLate: 0.1,
  writeRepeated: 0.15,
  pageEmpty: 0.5,
  nodeUnreachable: 0.15,
  nodeAnswerLost: 0.15,
  nodeLate: 0.2,
  removeLate: 0.6,
  bitsFlipped: 0.15,
  powerCut: 0.05,
  nodeRestart: 0.05,
  diskLost: 0.02,
  bitRot: 0.3,
  outage: 0.02,
  messageDoubled: 0.4,
  messageLost: 0.2,
  messageLate: 0.4,
  visibilityEarly: 0.2,
  launchRefused: 0.3,
  machineListStale: 0.5,
  machineNeverJoins: 0.2,
  stepDoubled: 0.2,
  stepReplayed: 0.2,
  executionLost: 0.2,
  heartbeatLost: 0.1,
};

const kinds = Object.keys(worst) as (keyof Faults)[];

export const noFaults = (): Faults =>
  Object.fromEntries(kinds.map((kind) => [kind, 0])) as unknown as Faults;

/**
 * Swarm testing (Groce et al., 2012): each seed has its own subset of faults, each at its own rate. A
 * mixture of everything at once hides what a few faults alone would show.
 */
export function swarm(random: Random): Faults {
  const faults = noFaults();
  for (const kind of kinds) {
    const strikes = random.chance(0.5);
    const rate = random.logBetween(worst[kind] / 12, worst[kind]);
    if (strikes) faults[kind] = rate;
  }
  return faults;
}

export function stopFaults(faults: Faults): void {
  for (const kind of kinds) faults[kind] = 0;
}
