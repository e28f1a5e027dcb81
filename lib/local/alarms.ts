import { type AlarmRule, type AlarmValue, extraPeriods, stateFrom } from './alarm-state.ts';
import { compileExpression, type Expression } from './metric-math.ts';
import { type MetricId, type Metrics, statisticOf } from './metrics.ts';

export interface MetricQuery {
  readonly id: string;
  readonly source:
    | { readonly metric: MetricId; readonly statistic: string; readonly periodSeconds: number }
    | { readonly expression: string };
  readonly returnsData: 'yes' | 'no';
}

export interface AlarmSettings {
  readonly name: string;
  readonly arn: string;
  readonly description: string | undefined;
  readonly rule: AlarmRule;
  readonly periodSeconds: number;
  readonly queries: readonly MetricQuery[];
  readonly actions: Readonly<Record<AlarmValue, readonly string[]>>;
  readonly actionsEnabled: 'yes' | 'no';
}

export interface AlarmState {
  readonly value: AlarmValue;
  readonly reason: string;
  readonly timestamp: Date;
}

export interface AlarmChange {
  readonly settings: AlarmSettings;
  readonly state: AlarmState;
  readonly previous: AlarmState;
}

/** Data of the last second may still be on its way. */
const settleMs = 1_000;

/** Queries are compiled once; `undefined` values are periods without data. */
export function seriesReader(
  queries: readonly MetricQuery[],
): (metrics: Metrics, id: string, from: number, to: number) => number | undefined {
  const compiled = new Map<string, Expression>();
  for (const { id, source } of queries)
    if ('expression' in source) compiled.set(id, compileExpression(source.expression));
  const byId = new Map(queries.map((query) => [query.id, query]));
  const read = (metrics: Metrics, id: string, from: number, to: number): number | undefined => {
    const query = byId.get(id);
    if (!query) throw new Error(`no metric ${id} in this query`);
    if ('metric' in query.source)
      return statisticOf(query.source.statistic, metrics.within(query.source.metric, from, to));
    return compiled.get(id)?.((inner) => read(metrics, inner, from, to));
  };
  return read;
}

/** One alarm over metrics: read at the end of each period, changed by what the periods say. */
export class Alarm {
  readonly settings: AlarmSettings;
  readonly #read: ReturnType<typeof seriesReader>;
  #state: AlarmState;
  #evaluatedTo = 0;

  constructor(settings: AlarmSettings, now: number) {
    this.settings = settings;
    this.#read = seriesReader(settings.queries);
    this.#state = {
      value: 'INSUFFICIENT_DATA',
      reason: 'Unchecked: Initial alarm creation',
      timestamp: new Date(now),
    };
  }

  get state(): AlarmState {
    return this.#state;
  }

  /** Sets the state by hand; the next period's evaluation sets it back. */
  force(value: AlarmValue, reason: string, now: number): AlarmChange | undefined {
    return this.#become(value, reason, now);
  }

  /** `undefined` unless a period has ended since the last call and it changed the state. */
  evaluate(metrics: Metrics, now: number): AlarmChange | undefined {
    const periodMs = this.settings.periodSeconds * 1000;
    const end = Math.floor((now - settleMs) / periodMs) * periodMs;
    if (end <= this.#evaluatedTo) return undefined;
    this.#evaluatedTo = end;
    const points = this.#points(metrics, end, periodMs);
    const value = stateFrom(this.settings.rule, points, this.#state.value);
    return this.#become(value, reasonFor(this.settings.rule, points), now);
  }

  #points(metrics: Metrics, end: number, periodMs: number): (number | undefined)[] {
    const { rule, queries } = this.settings;
    const returned = queries.find(({ returnsData }) => returnsData === 'yes') ?? queries.at(-1);
    return Array.from({ length: rule.evaluationPeriods + extraPeriods }, (_, i) => {
      const from = end - (rule.evaluationPeriods + extraPeriods - i) * periodMs;
      return this.#read(metrics, returned?.id ?? '', from, from + periodMs);
    });
  }

  #become(value: AlarmValue, reason: string, now: number): AlarmChange | undefined {
    if (value === this.#state.value) return undefined;
    const previous = this.#state;
    this.#state = { value, reason, timestamp: new Date(now) };
    return { settings: this.settings, state: this.#state, previous };
  }
}

const reasonFor = (rule: AlarmRule, points: readonly (number | undefined)[]): string =>
  `Threshold Crossed: datapoints [${points.map((point) => point ?? 'none').join(', ')}] against ` +
  `${rule.comparison} ${rule.threshold}, ${rule.datapointsToAlarm} of ${rule.evaluationPeriods}.`;
