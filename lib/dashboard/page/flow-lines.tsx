import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Reading } from '../live.ts';

interface FlowProps {
  readonly canvas: RefObject<HTMLDivElement | null>;
  readonly batches: Reading['batches'];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What flows between two nodes, drawn once however many batches do it. */
interface Flow {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
}

/** More lines than this hide the map instead of explaining it. */
const linesMax = 60;
/** Where in its tank a line begins and ends, as shares: between its numbers, not across them. */
const anchorX = 0.5;
const anchorY = 0.6;
const rateOfThickest = 100_000_000;

export function FlowLines({ canvas, batches }: FlowProps) {
  const places = usePlaces(canvas);
  const lines = flowsOf(batches).slice(0, linesMax);
  return (
    <svg class="flows" aria-hidden="true">
      {lines.map(({ from, to, rate }) => {
        const [start, end] = [places.get(from), places.get(to)];
        if (start === undefined || end === undefined) return null;
        const width = 1.5 + 2.5 * Math.min(1, rate / rateOfThickest);
        const path = curve(start, end);
        return (
          <g key={`${from} ${to}`}>
            <path class="bed" d={path} />
            <path class="flow" d={path} stroke-width={width} />
            <circle cx={end.x} cy={end.y} r={width + 1.5} />
          </g>
        );
      })}
    </svg>
  );
}

function flowsOf(batches: Reading['batches']): readonly Flow[] {
  const flows = new Map<string, Flow>();
  for (const { from, to, rate } of batches) {
    const before = flows.get(`${from} ${to}`)?.rate ?? 0;
    flows.set(`${from} ${to}`, { from, to, rate: before + rate });
  }
  return [...flows.values()].sort((left, right) => right.rate - left.rate);
}

/** Bows to one side, so that there and back are two lines. */
function curve(from: Point, to: Point): string {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const bow = 0.1;
  const x = (from.x + to.x) / 2 - dy * bow;
  const y = (from.y + to.y) / 2 + dx * bow;
  return `M${from.x},${from.y} Q${x},${y} ${to.x},${to.y}`;
}

/** Where each node is in the map, measured again whenever it may have changed. */
function usePlaces(canvas: RefObject<HTMLDivElement | null>): ReadonlyMap<string, Point> {
  const [places, setPlaces] = useState<ReadonlyMap<string, Point>>(new Map());
  const measure = () => {
    const measured = measureNodes(canvas.current);
    setPlaces((before) => (isSame(before, measured) ? before : measured));
  };
  useLayoutEffect(measure);
  useEffect(() => {
    const observer = new ResizeObserver(measure);
    if (canvas.current !== null) observer.observe(canvas.current);
    return () => observer.disconnect();
  }, []);
  return places;
}

function measureNodes(canvas: HTMLDivElement | null): ReadonlyMap<string, Point> {
  if (canvas === null) return new Map();
  const origin = canvas.getBoundingClientRect();
  const nodes = [...canvas.querySelectorAll<HTMLElement>('[data-node]')];
  return new Map(
    nodes.map((node) => {
      const { left, top, width, height } = node.getBoundingClientRect();
      const x = Math.round(left - origin.left + width * anchorX);
      return [node.dataset.node!, { x, y: Math.round(top - origin.top + height * anchorY) }];
    }),
  );
}

const isSame = (left: ReadonlyMap<string, Point>, right: ReadonlyMap<string, Point>): boolean =>
  left.size === right.size &&
  [...left].every(([name, { x, y }]) => {
    const other = right.get(name);
    return other?.x === x && other.y === y;
  });
