/** One pass over all copies of a disk, in the order of their chunks' ids. */
export interface ScrubPass {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** When the last whole pass ended; 0 before the first has. */
  readonly endedAt: number;
  /** Id of the last chunk whose copy was read; empty before the first, and once the pass has ended. */
  readonly after: string;
}

export interface ScrubView {
  readonly now: number;
  readonly pass: ScrubPass;
  /** Bytes of all copies of the disk. */
  readonly usedBytes: number;
  /** Days in which every copy is read once; 0: none ever is. */
  readonly days: number;
}

/** What clients have of a node now, and how strained it is. */
export interface ClientsNow {
  /** They wait, and nobody is answered. */
  readonly unanswered: boolean;
  /** Bytes a second, the larger of in and out, and of migration's most, which shares the node with them. */
  readonly bytes: number;
  readonly migrationBytesMax: number;
  /** The share of its rate that migration would have by the node's load (core/throttle.ts). */
  readonly loadFactor: number;
  /** Milliseconds; `null` where nobody asks for anything, or no objective is known. */
  readonly p99Ms: number | null;
  readonly objectiveMs: number | null;
}

const dayMs = 86_400_000;
/** One piece a second: a disk of 100 GB is read in five days, and then waits for its next pass. */
export const scrubRateMin = 256 * 1024;
/** A sixth of what the smallest disk gives (EBS gp3, 125 MB/s), while nobody needs it: 24 TB in 14 days. */
export const scrubRateMax = 20_000_000;
/** A pass that is late goes at most so many times as fast as one that never waited: no storm after a pause. */
const hurryMax = 2;
/** Of migration's most: clients that have more than this are served heavily. */
const clientsShareMax = 0.5;
/** Below it CPU, memory or I/O wait are far over what migration may bring them to. */
const loadFactorMin = 0.75;

/** Whether a pass is to begin, or to go on. */
export const isScrubDue = ({ now, pass, days }: ScrubView): boolean =>
  days > 0 && (isUnderWay(pass) || now >= pass.startedAt + days * dayMs);

export const newPass = (now: number): ScrubPass => ({ startedAt: now, endedAt: 0, after: '' });

/** The pass, unless it is of a time that is far to come: then a clock was wrong, and the next one never due. */
export const believedPass = (pass: ScrubPass, now: number): ScrubPass =>
  Math.max(pass.startedAt, pass.endedAt) > now + dayMs ? newPass(now) : pass;

/** The pass itself while it is under way; else one that begins. */
export const nextPass = (pass: ScrubPass, now: number): ScrubPass =>
  isUnderWay(pass) ? pass : { ...pass, startedAt: Math.max(now, pass.endedAt + 1), after: '' };

export const endedPass = ({ startedAt }: ScrubPass, now: number): ScrubPass => ({
  startedAt,
  endedAt: Math.max(now, startedAt),
  after: '',
});

const isUnderWay = ({ startedAt, endedAt }: ScrubPass): boolean => endedAt < startedAt;

/** Bytes a second at which the pass ends in time, within bounds; 0 while none is due. */
export function scrubRate(view: ScrubView): number {
  if (!isScrubDue(view)) return 0;
  const { now, pass, usedBytes, days } = view;
  const even = usedBytes / ((days * dayMs) / 1_000);
  const secondsLeft = Math.max(1, (pass.startedAt + days * dayMs - now) / 1_000);
  const inTime = (usedBytes * (1 - scrubShare(pass))) / secondsLeft;
  return Math.min(scrubRateMax, Math.max(scrubRateMin, Math.min(inTime, hurryMax * even)));
}

const idDigits = 8;

/** The share of a pass that is done: ids are spread evenly (SHA-256), so the last one read tells. */
export const scrubShare = ({ after, startedAt, endedAt }: ScrubPass): number => {
  if (after !== '') return Number.parseInt(after.slice(0, idDigits), 16) / 16 ** idDigits;
  return endedAt >= startedAt ? 1 : 0;
};

/** Clients come first: the disk is not read for a pass while they wait, or need much of the node. */
export const isLeftToClients = (clients: ClientsNow): boolean =>
  clients.unanswered ||
  clients.bytes > clients.migrationBytesMax * clientsShareMax ||
  clients.loadFactor < loadFactorMin ||
  (clients.p99Ms !== null && clients.objectiveMs !== null && clients.p99Ms > clients.objectiveMs);
