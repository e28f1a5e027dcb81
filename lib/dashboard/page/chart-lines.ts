import type { Sample } from '../live.ts';

export interface Series {
  readonly name: string;
  readonly tone: string;
  readonly of: (sample: Sample) => number;
}

/** What is drawn where: moments to x, bytes a second to y. */
export interface Frame {
  readonly from: number;
  readonly to: number;
  readonly most: number;
  readonly width: number;
  readonly height: number;
  readonly margin: {
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
    readonly left: number;
  };
}

/** Between samples further apart nobody looked: nothing is drawn there. */
const gapMs = 35_000;

/** One line, or area, for each stretch without a gap. */
export function linePath(
  samples: readonly Sample[],
  of: Series['of'],
  frame: Frame,
  ends: 'open' | 'closed',
): string {
  const bottom = frame.height - frame.margin.bottom;
  return stretches(samples)
    .map((stretch) => {
      const points = stretch.map((sample) => pointOf(sample, of, frame));
      const line = `M${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join('L')}`;
      if (ends === 'open') return line;
      return `${line}V${bottom}H${points[0]![0].toFixed(1)}Z`;
    })
    .join('');
}

function stretches(samples: readonly Sample[]): readonly (readonly Sample[])[] {
  const found: Sample[][] = [];
  for (const sample of samples) {
    const last = found.at(-1);
    const before = last?.at(-1);
    if (last === undefined || sample.at - before!.at > gapMs) found.push([sample]);
    else last.push(sample);
  }
  return found;
}

function pointOf(sample: Sample, of: Series['of'], frame: Frame): readonly [number, number] {
  const { from, to, most, width, height, margin } = frame;
  const x = margin.left + ((sample.at - from) / (to - from)) * (width - margin.left - margin.right);
  const y = height - margin.bottom - (of(sample) / most) * (height - margin.top - margin.bottom);
  return [x, y];
}

const leastShown = 1024 ** 2;

/** The top of the axis: 1, 2, 4 … of the unit below, so that its steps are round in IEC units. */
export function niceMost(most: number): number {
  let top = leastShown;
  while (top < most) top *= 2;
  return top;
}

export const stepsTo = (most: number): readonly number[] => [
  0,
  most / 4,
  most / 2,
  (most * 3) / 4,
  most,
];
