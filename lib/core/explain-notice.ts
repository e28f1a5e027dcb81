import type { Ignored, MachineNotice, Notice } from './notice.ts';

const at = (moment: number): string => new Date(moment).toISOString();

/** Why a drain was started or hastened, or a zone paused: one sentence for people. */
export function explainNotice(notice: Notice, deadline?: number): string {
  const by = deadline === undefined ? '' : `, to be done by ${at(deadline)}`;
  if ('instances' in notice) return `${subject(notice)} at ${at(notice.at)}${by}`;
  const word = notice.kind === 'zone-impaired' ? 'is impaired' : 'has recovered';
  return `AWS says that zone ${notice.zone} ${word}, at ${at(notice.at)}`;
}

const words: Readonly<Record<MachineNotice['kind'], string>> = {
  'spot-interruption': 'EC2 takes a spot instance back, as it said',
  'rebalance-recommendation': 'EC2 may take a spot instance back, as it said',
  retirement: 'EC2 retires a machine, as AWS Health said',
};

const subject = ({ kind, instances }: MachineNotice): string =>
  `${words[kind]} of ${instances.join(', ')}`;

/** Why a notice changes nothing: one sentence for people. */
export function explainIgnored(why: Ignored): string {
  switch (why.kind) {
    case 'unknown-instance':
      return `${why.instance} is no machine of this fleet`;
    case 'not-in-service':
      return `${why.node} is ${why.state}: it needs no drain`;
    case 'too-late':
      return `its time was over ${why.lateMs} ms ago: the watch sees what became of ${why.node}`;
    case 'heard-already':
      return `the same notice of ${why.node} was heeded before`;
    case 'already-sooner':
      return `job ${why.job} drains ${why.node} at least as soon`;
    case 'pause-over':
      return `the longest pause of zone ${why.zone} was over ${why.lateMs} ms ago`;
    case 'unknown-zone':
      return `the account has no zone ${why.zone}`;
    case 'said-already':
      return `of zone ${why.zone} this was said before, or something newer`;
  }
}
