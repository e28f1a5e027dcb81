/** What a worker is asked and what it answers, over IPC as JSON. */
export interface Invocation {
  readonly event: unknown;
  /** Epoch milliseconds at which the worker is killed. */
  readonly deadline: number;
  readonly context: Readonly<Record<string, unknown>>;
}

/** A failed invocation in the form in which Lambda answers it. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: FunctionFailure };
