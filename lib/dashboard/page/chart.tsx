import { useEffect, useRef, useState } from 'preact/hooks';
import type { Sample } from '../live.ts';
import { type Frame, linePath, niceMost, type Series, stepsTo } from './chart-lines.ts';
import { clock, rate } from './words.ts';

const height = 190;
const margin = { top: 12, right: 12, bottom: 24, left: 74 };
const windowMs = 300_000;

const series: readonly Series[] = [
  { name: 'moves', tone: 'move', of: ({ moves }) => moves },
  { name: 'clients in', tone: 'client-in', of: ({ clientsIn }) => clientsIn },
  { name: 'clients out', tone: 'client', of: ({ clientsOut }) => clientsOut },
];

interface ChartProps {
  readonly history: readonly Sample[];
  /** Epoch milliseconds: the right edge. */
  readonly now: number;
}

/** Moves beside what clients do: whether the one disturbs the other is what this chart is for. */
export function Chart({ history, now }: ChartProps) {
  const [box, width] = useWidth();
  const [pointed, point] = useState<number | undefined>();
  const shown = history.filter(({ at }) => at >= now - windowMs);
  const most = niceMost(
    Math.max(0, ...shown.flatMap((sample) => series.map(({ of }) => of(sample)))),
  );
  const frame: Frame = { from: now - windowMs, to: now, most, width, height, margin };
  const near = pointed === undefined ? shown.at(-1) : nearest(shown, frame, pointed);
  const follow = (event: PointerEvent) => {
    const { left } = (event.currentTarget as Element).getBoundingClientRect();
    point(event.clientX - left);
  };
  return (
    <section class="panel" aria-labelledby="chart-title">
      <div class="panel-head">
        <h2 id="chart-title">Moves over time</h2>
        <Readout sample={near} />
      </div>
      <div class="chart" ref={box}>
        <svg
          role="img"
          aria-label="Bytes a second of moves and clients over the last five minutes"
          width={width}
          height={height}
          onPointerMove={follow}
          onPointerLeave={() => point(undefined)}
        >
          <Axes frame={frame} />
          {series.map(({ name, tone, of }) => (
            <g key={name} class={`series ${tone}`}>
              {tone === 'move' && <path class="area" d={linePath(shown, of, frame, 'closed')} />}
              <path class="line" d={linePath(shown, of, frame, 'open')} />
            </g>
          ))}
          {pointed !== undefined && near !== undefined && <Cross sample={near} frame={frame} />}
        </svg>
      </div>
    </section>
  );
}

const Readout = ({ sample }: { readonly sample: Sample | undefined }) => (
  <ul class="readout numbers">
    {series.map(({ name, tone, of }) => (
      <li key={name} class={tone}>
        {name} <b>{sample === undefined ? '–' : rate(of(sample))}</b>
      </li>
    ))}
    <li class="at muted">{sample === undefined ? '' : clock(sample.at)}</li>
  </ul>
);

function Axes({ frame }: { readonly frame: Frame }) {
  const { most, width, margin } = frame;
  const bottom = height - margin.bottom;
  const plotted = bottom - margin.top;
  const minutes = [4, 3, 2, 1, 0];
  return (
    <g class="axes numbers">
      {stepsTo(most).map((value) => {
        const y = bottom - (value / most) * plotted;
        return (
          <g key={value}>
            <line x1={margin.left} x2={width - margin.right} y1={y} y2={y} />
            <text x={margin.left - 8} y={y + 4} text-anchor="end">
              {rate(value)}
            </text>
          </g>
        );
      })}
      {minutes.map((minute) => (
        <text
          key={minute}
          x={
            width -
            margin.right -
            (minute * 60_000 * (width - margin.left - margin.right)) / windowMs
          }
          y={height - 6}
          text-anchor={minute === 0 ? 'end' : 'middle'}
        >
          {minute === 0 ? 'now' : `−${minute} min`}
        </text>
      ))}
    </g>
  );
}

const xOf = (at: number, { from, to, width, margin }: Frame): number =>
  margin.left + ((at - from) / (to - from)) * (width - margin.left - margin.right);

function Cross({ sample, frame }: { readonly sample: Sample; readonly frame: Frame }) {
  const x = xOf(sample.at, frame);
  return <line class="cross" x1={x} x2={x} y1={margin.top} y2={height - margin.bottom} />;
}

function nearest(shown: readonly Sample[], frame: Frame, x: number): Sample | undefined {
  const distance = ({ at }: Sample) => Math.abs(xOf(at, frame) - x);
  return shown.toSorted((left, right) => distance(left) - distance(right))[0];
}

function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      setWidth(Math.round(entry!.contentRect.width)),
    );
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  return [box, width] as const;
}
