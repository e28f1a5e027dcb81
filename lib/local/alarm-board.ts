import type { AlarmValue } from './alarm-state.ts';
import { Alarm, type AlarmChange, type AlarmSettings, type AlarmState } from './alarms.ts';
import { type CompositeRule, compileCompositeRule } from './composite-rule.ts';
import type { Metrics } from './metrics.ts';
import { AwsError } from './refusal.ts';

interface Composite {
  readonly settings: AlarmSettings;
  readonly rule: CompositeRule;
  state: AlarmState;
}

const evaluationMs = 1_000;

/** All alarms of the template, evaluated once a second; each change is handed on once. */
export class AlarmBoard {
  readonly #alarms = new Map<string, Alarm>();
  readonly #composites = new Map<string, Composite>();
  readonly #metrics: Metrics;
  readonly #onChange: (change: AlarmChange) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(metrics: Metrics, onChange: (change: AlarmChange) => void) {
    this.#metrics = metrics;
    this.#onChange = onChange;
  }

  add(settings: AlarmSettings): void {
    this.#alarms.set(settings.name, new Alarm(settings, Date.now()));
  }

  addComposite(settings: AlarmSettings, ruleText: string): void {
    const rule = compileCompositeRule(ruleText);
    const state: AlarmState = { value: 'INSUFFICIENT_DATA', reason: '', timestamp: new Date() };
    this.#composites.set(settings.name, { settings, rule, state });
  }

  start(): void {
    this.#timer = setInterval(() => this.evaluate(Date.now()), evaluationMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  evaluate(now: number): void {
    this.#metrics.forget(now);
    for (const alarm of this.#alarms.values()) {
      const change = alarm.evaluate(this.#metrics, now);
      if (change) this.#onChange(change);
    }
    for (const composite of this.#composites.values()) this.#evaluateComposite(composite, now);
  }

  list(): { readonly settings: AlarmSettings; readonly state: AlarmState }[] {
    return [...this.#alarms.values(), ...this.#composites.values()];
  }

  /** Throws ResourceNotFound. */
  force(name: string, value: AlarmValue, reason: string): void {
    const alarm = this.#alarms.get(name);
    if (!alarm) throw new AwsError('ResourceNotFound', `There is no alarm ${name}.`, 404);
    const change = alarm.force(value, reason, Date.now());
    if (change) this.#onChange(change);
  }

  #evaluateComposite(composite: Composite, now: number): void {
    const stateOf = (name: string): AlarmValue | undefined =>
      (this.#alarms.get(name) ?? this.#composites.get(name))?.state.value;
    const value: AlarmValue = composite.rule(stateOf) ? 'ALARM' : 'OK';
    if (value === composite.state.value) return;
    const previous = composite.state;
    composite.state = { value, reason: 'The rule changed its value.', timestamp: new Date(now) };
    this.#onChange({ settings: composite.settings, state: composite.state, previous });
  }
}
