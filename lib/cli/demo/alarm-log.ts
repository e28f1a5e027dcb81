import type { Inspector } from './inspect.ts';
import type { Narrator } from './stage.ts';

const everyMs = 1_000;

/** The states that each alarm was in, told as they change. */
export class AlarmLog {
  readonly #inspector: Inspector;
  readonly #narrator: Narrator;
  /** By alarm, in order. */
  readonly states = new Map<string, string[]>();

  constructor(inspector: Inspector, narrator: Narrator) {
    this.#inspector = inspector;
    this.#narrator = narrator;
  }

  /** @returns what ends it */
  begin(): () => void {
    const watching = setInterval(() => void this.#look(), everyMs);
    return () => clearInterval(watching);
  }

  async #look(): Promise<void> {
    const state = await this.#inspector.state().catch(() => undefined); // it is asked again in a second
    for (const { name, value: now } of state?.alarms ?? []) {
      const states = this.states.get(name) ?? [];
      if (states.at(-1) === now) continue;
      if (now === 'ALARM' || states.at(-1) === 'ALARM') this.#narrator.say(`Alarm ${name}: ${now}`);
      this.states.set(name, [...states, now]);
    }
  }
}
