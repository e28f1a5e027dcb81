/** The life of a node, as one table of legal steps. Adapters and steps build their conditions from it. */
export const nodeStates = [
  'launched',
  'joining',
  'active',
  'draining',
  'drained',
  'terminating',
  'gone',
  'dead',
] as const;
export type NodeState = (typeof nodeStates)[number];

const legalSteps: Readonly<Record<NodeState, readonly NodeState[]>> = {
  launched: ['joining', 'terminating', 'dead'],
  joining: ['active', 'terminating', 'dead'],
  active: ['draining', 'dead'],
  draining: ['active', 'drained', 'dead'],
  drained: ['terminating', 'dead'],
  terminating: ['gone'],
  gone: [],
  dead: ['terminating'],
};

export const mayStep = (from: NodeState, to: NodeState): boolean => legalSteps[from].includes(to);

/** The states from which `to` may be entered: the condition of the write that enters it. */
export const statesBefore = (to: NodeState): readonly NodeState[] =>
  nodeStates.filter((from) => mayStep(from, to));

/** Its copies can be read: it counts as a holder and as a source. */
export const servesReads = (state: NodeState): boolean =>
  state === 'active' || state === 'draining' || state === 'drained';

/** It may be named as a new holder. */
export const takesCopies = (state: NodeState): boolean => state === 'active';
