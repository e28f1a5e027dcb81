import type { SentEvent } from '../../contract/notices.ts';

/** What the local cloud tells about itself on loopback; a deployment on AWS has its own consoles. */
export interface CloudState {
  readonly instances: readonly { readonly id: string; readonly state: string }[];
  readonly executions: readonly {
    readonly name: string;
    readonly machineArn: string;
    readonly status: string;
  }[];
  /** By the ids under which AWS speaks of them. */
  readonly zones: readonly { readonly id: string; readonly name: string }[];
  readonly alarms: readonly { readonly name: string; readonly value: string }[];
}

/** Whoever called what, how often. Functions are `function:<name>`, pollers of queues `event-sources`. */
export interface CallCounts {
  readonly calls: readonly {
    readonly service: string;
    readonly action: string;
    readonly principal: string;
    readonly count: number;
  }[];
}

export interface SentAnswer {
  readonly id: string;
  readonly rules: readonly string[];
}

const answerWithinMs = 5_000;

export class Inspector {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  state = (): Promise<CloudState> => this.#ask('GET', 'state') as Promise<CloudState>;
  calls = (): Promise<CallCounts> => this.#ask('GET', 'calls') as Promise<CallCounts>;

  /** Kills busy workers of a function as kill -9 does. @returns how many */
  async killWorker(functionName: string): Promise<number> {
    const { killed } = (await this.#ask('POST', 'kill-worker', { function: functionName })) as {
      killed: number;
    };
    return killed;
  }

  /** Kills a node's process as kill -9 does; its service manager starts it again. */
  killAgent = (instance: string): Promise<unknown> => this.#ask('POST', 'kill-agent', { instance });

  /** The machine and its disk are gone. */
  loseInstance = (instance: string): Promise<unknown> =>
    this.#ask('POST', 'lose-instance', { instance });

  /** @returns its id, and the names of the rules that it matched */
  sendEvent = (event: SentEvent): Promise<SentAnswer> =>
    this.#ask('POST', 'event', event) as Promise<SentAnswer>;

  async #ask(method: string, path: string, body?: object): Promise<unknown> {
    const response = await fetch(`${this.#endpoint}/_ballast/${path}`, {
      method,
      signal: AbortSignal.timeout(answerWithinMs),
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}
