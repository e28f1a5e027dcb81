/** How busy a node is: shares of 1; `null` where the platform does not tell. */
export interface NodeLoad {
  readonly cpu: number | null;
  readonly memory: number | null;
  readonly ioWait: number | null;
}

/** For how long metrics have been missing: milliseconds, 0 while all are told. */
export type Silence = number | 'never-told';

/** Above these shares migration gives way, in proportion. */
const cpuShareMax = 0.8;
const memoryShareMax = 0.85;
const ioWaitShareMax = 0.3;
/** However busy its node is, a drain goes on. */
const factorMin = 0.1;
/** A node that does not know its load assumes that it is busy. */
const factorUnknown = 0.5;
/** A minute without metrics that once came: something is wrong with this machine. */
export const silenceMsMax = 60_000;

/**
 * The policy `load`: the share of its background rate that a node gives to migration now, 0 or 0.1 … 1.
 * Metrics that stop coming slow it, and after {@link silenceMsMax} hold it; a platform that has never
 * told any (macOS has no /proc) only slows it.
 */
export function backgroundFactor(load: NodeLoad, silence: Silence): number {
  if (silence !== 'never-told' && silence > silenceMsMax) return 0;
  const known =
    easing(load.cpu, cpuShareMax) *
    easing(load.memory, memoryShareMax) *
    easing(load.ioWait, ioWaitShareMax);
  const factor = silence === 0 ? known : known * factorUnknown;
  return Math.min(1, Math.max(factorMin, factor));
}

const easing = (share: number | null, shareMax: number): number =>
  share !== null && share > shareMax ? shareMax / share : 1;
