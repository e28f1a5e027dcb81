import { randomUUID } from 'node:crypto';
import { matchesPattern } from './event-pattern.ts';
import { accountId } from './principals.ts';
import type { Schedule } from './schedule-expression.ts';

export interface EventInput {
  readonly bus?: string;
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: unknown;
  readonly resources?: readonly string[];
  readonly time?: string;
}

export interface Delivered {
  readonly id: string;
  /** Names of the rules that matched. */
  readonly rules: readonly string[];
}

export interface RuleTarget {
  /** What the target gets for this event: Input, InputPath or InputTransformer applied. */
  readonly input: (event: Readonly<Record<string, unknown>>) => unknown;
  readonly deliver: (input: unknown) => void | Promise<void>;
}

export interface EventRule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly pattern: unknown;
  readonly schedule: Schedule | undefined;
  readonly targets: readonly RuleTarget[];
}

/** setTimeout's limit is 2^31 ms; a far schedule is waited for in steps. */
const stepMsMax = 3_600_000;

/** Rules by pattern and by schedule, on the default bus and others. */
export class EventBus {
  readonly #region: string;
  readonly #log: (line: string) => void;
  readonly #rules: EventRule[] = [];
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(region: string, log: (line: string) => void) {
    this.#region = region;
    this.#log = log;
  }

  add(rule: EventRule): void {
    this.#rules.push(rule);
  }

  /** Begins to run the schedules: each fires first one interval from now. */
  start(): void {
    for (const rule of this.#rules) if (rule.schedule) this.#await(rule, rule.schedule);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Delivers an event to every rule that matches it. */
  put({ bus = 'default', ...input }: EventInput): Delivered {
    const event = this.#event(input);
    const matching = this.#rules.filter(
      (rule) =>
        rule.bus === bus && rule.pattern !== undefined && matchesPattern(rule.pattern, event),
    );
    for (const rule of matching) this.#deliver(rule, event);
    return { id: event.id, rules: matching.map(({ name }) => name) };
  }

  #event(input: Omit<EventInput, 'bus'>) {
    return {
      version: '0',
      id: randomUUID(),
      account: accountId,
      region: this.#region,
      resources: [],
      ...input,
      time: input.time ?? new Date().toISOString(),
    };
  }

  #await(rule: EventRule, schedule: Schedule, due = schedule(new Date())): void {
    const wait = Math.min(Math.max(0, due.getTime() - Date.now()), stepMsMax);
    const timer = setTimeout(() => {
      if (due.getTime() > Date.now()) return this.#await(rule, schedule, due);
      this.#await(rule, schedule, schedule(due));
      const input = { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} };
      this.#deliver(rule, this.#event({ ...input, resources: [rule.arn] }));
    }, wait);
    this.#timers.set(rule.arn, timer);
  }

  #deliver(rule: EventRule, event: Readonly<Record<string, unknown>>): void {
    for (const target of rule.targets)
      Promise.resolve()
        .then(() => target.deliver(target.input(event)))
        .catch((error: unknown) => this.#log(`rule ${rule.name}: ${String(error)}`));
  }
}
