import type { Sample } from '../live.ts';

interface SparklineProps {
  readonly history: readonly Sample[];
  readonly of: (sample: Sample) => number;
  readonly tone: string;
}

const pointsShown = 120;
const width = 240;
const height = 36;

/** The last readings as a line without numbers: only its shape is meant. */
export function Sparkline({ history, of, tone }: SparklineProps) {
  const values = history.slice(-pointsShown).map(of);
  const most = Math.max(...values, 1e-9);
  const step = width / (pointsShown - 1);
  const start = width - (values.length - 1) * step;
  const line = values.map(
    (value, i) =>
      `${(start + i * step).toFixed(1)},${(height - 2 - (value / most) * (height - 4)).toFixed(1)}`,
  );
  const area = `M${start},${height} L${line.join(' L')} L${width},${height} Z`;
  return (
    <svg
      class={`spark ${tone}`}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values.length > 1 && <path class="area" d={area} />}
      {values.length > 1 && <polyline points={line.join(' ')} />}
    </svg>
  );
}
