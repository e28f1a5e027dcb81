import { type ExitCode, exitCodes } from './exit-codes.ts';

/** One sentence for the user; never shown with a stack. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: ExitCode;
  /** What the JSON document holds besides the sentence. */
  readonly detail: object;

  constructor(sentence: string, exitCode: ExitCode = exitCodes.usage, detail: object = {}) {
    super(sentence);
    this.exitCode = exitCode;
    this.detail = detail;
  }
}
