export interface Sample {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly value: number;
  /** How many equal values this stands for. */
  readonly weight: number;
}

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** CloudWatch keeps high-resolution data for three hours; the longest alarm here looks back less. */
const keptMs = 3 * 60 * 60 * 1000;
/** Per metric: 3 h of one sample a second of ten nodes; the oldest go first. */
const samplesMax = 108_000;

const keyOf = ({ namespace, name, dimensions }: MetricId): string =>
  JSON.stringify([
    namespace,
    name,
    Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);

interface Series {
  readonly id: MetricId;
  samples: Sample[];
}

/** The published metrics of the last three hours, in memory. */
export class Metrics {
  readonly #series = new Map<string, Series>();

  put(sample: Sample): void {
    const { namespace, name, dimensions } = sample;
    const key = keyOf(sample);
    const known = this.#series.get(key);
    const series = known ?? { id: { namespace, name, dimensions }, samples: [] };
    if (!known) this.#series.set(key, series);
    series.samples.push(sample);
    if (series.samples.length > samplesMax) series.samples = series.samples.slice(samplesMax / 10);
  }

  list(): MetricId[] {
    return [...this.#series.values()].map(({ id }) => id);
  }

  /** The samples of one period, `from` inclusive to `to` exclusive, epoch milliseconds. */
  within(id: MetricId, from: number, to: number): Sample[] {
    const samples = this.#series.get(keyOf(id))?.samples ?? [];
    const found: Sample[] = [];
    // newest last, and almost in order: walk back until well before the period
    for (let i = samples.length - 1; i >= 0; i -= 1) {
      const sample = samples[i] as Sample;
      if (sample.time >= from && sample.time < to) found.push(sample);
      if (sample.time < from - latenessMs) break;
    }
    return found;
  }

  forget(now: number): void {
    for (const series of this.#series.values())
      if ((series.samples[0]?.time ?? now) < now - keptMs)
        series.samples = series.samples.filter(({ time }) => time >= now - keptMs);
  }
}

/** How late a sample may be stamped and still be found behind a younger one. */
const latenessMs = 60_000;

const percentile = /^p(\d+(?:\.\d+)?)$/;

/** One statistic over samples; `undefined` where there are none. Throws on a statistic that is not served. */
export function statisticOf(statistic: string, samples: readonly Sample[]): number | undefined {
  const count = samples.reduce((all, { weight }) => all + weight, 0);
  if (count === 0) return undefined;
  const sum = samples.reduce((all, { value, weight }) => all + value * weight, 0);
  const values = samples.map(({ value }) => value);
  if (statistic === 'SampleCount') return count;
  if (statistic === 'Sum') return sum;
  if (statistic === 'Average') return sum / count;
  if (statistic === 'Minimum') return Math.min(...values);
  if (statistic === 'Maximum') return Math.max(...values);
  const [, share] = percentile.exec(statistic) ?? [];
  if (share === undefined) throw new Error(`statistic ${statistic} is not served locally`);
  return quantile(samples, Number(share) / 100, count);
}

export const isStatistic = (statistic: string): boolean =>
  ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'].includes(statistic) ||
  percentile.test(statistic);

/** Nearest rank over weighted values. */
function quantile(samples: readonly Sample[], share: number, count: number): number {
  const ordered = samples.toSorted((a, b) => a.value - b.value);
  let seen = 0;
  for (const { value, weight } of ordered) {
    seen += weight;
    if (seen >= share * count) return value;
  }
  return ordered.at(-1)?.value ?? 0;
}
