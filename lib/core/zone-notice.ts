import { type Answer, ignore, type ZoneNotice } from './notice.ts';
import { type EpochMillis, later, millis } from './units.ts';

/** Epoch milliseconds of AWS's last word on a zone; 0 for none. */
export interface ZoneWord {
  readonly impairedAt: number;
  readonly recoveredAt: number;
}

export interface ZonePolicy {
  /** No zone is paused for longer by one notice. */
  readonly zonePauseMsMax: number;
}

/**
 * What a notice of a zone asks for. AWS's latest word counts, in whatever order its words come; a pause ends by
 * itself so long after its notice, in case that the word of its end is lost.
 */
export function answerZone(
  notice: ZoneNotice,
  said: ZoneWord,
  { zonePauseMsMax }: ZonePolicy,
  now: EpochMillis,
): Answer {
  const { zone } = notice;
  if (notice.at <= Math.max(said.impairedAt, said.recoveredAt)) {
    return ignore({ kind: 'said-already', zone });
  }
  if (notice.kind === 'zone-recovered') return { kind: 'resume-zone', zone };
  const until = later(notice.at, millis(zonePauseMsMax));
  const lateMs = millis(now - until);
  return lateMs >= 0
    ? ignore({ kind: 'pause-over', zone, lateMs })
    : { kind: 'pause-zone', zone, until };
}
