import { explainBlock } from '../core/explain-block.ts';
import type { Block } from '../core/plan.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { UserError } from './user-error.ts';

export interface Failure {
  /** One line. */
  readonly sentence: string;
  readonly exitCode: ExitCode;
  readonly detail: object;
}

/** By name, so that knowing them loads none of the modules that throw them. */
const exitCodeByName: Readonly<Record<string, ExitCode>> = {
  ClientRefusal: exitCodes.usage,
  InputError: exitCodes.usage,
  CommanderError: exitCodes.usage,
  AbortError: exitCodes.interrupted,
  CredentialsProviderError: exitCodes.credentials,
  ExpiredTokenException: exitCodes.credentials,
  ExpiredToken: exitCodes.credentials,
  UnrecognizedClientException: exitCodes.credentials,
  InvalidClientTokenId: exitCodes.credentials,
  InvalidSignatureException: exitCodes.credentials,
  AccessDeniedException: exitCodes.credentials,
  AccessDenied: exitCodes.credentials,
};

const unreachableCodes = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ETIMEDOUT'];

/** Any error as one sentence and the exit code that fits it. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UserError) {
    return { sentence: oneLine(error.message), exitCode: error.exitCode, detail: error.detail };
  }
  if (isNoRoom(error)) {
    const { blocks } = error;
    const sentence = `No room for a write: ${blocks.map(explainBlock).join('; ')}.`;
    return { sentence, exitCode: exitCodes.blocked, detail: { blocks } };
  }
  const { name, message, code } = asError(error);
  const exitCode = exitCodeByName[name] ?? exitCodes.failed;
  if (exitCode === exitCodes.interrupted) return { sentence: 'Interrupted.', exitCode, detail: {} };
  if (chainOf(error).some((each) => unreachableCodes.includes(each.code ?? ''))) {
    return {
      sentence: `The store does not answer (${oneLine(message || code || name)}).`,
      exitCode: exitCodes.failed,
      detail: {},
    };
  }
  const prefix = exitCode === exitCodes.credentials ? 'AWS refuses these credentials: ' : '';
  return { sentence: sentenceOf(prefix + (message || name)), exitCode, detail: {} };
}

const isNoRoom = (error: unknown): error is { readonly blocks: readonly Block[] } =>
  error instanceof Error && error.name === 'NoRoom' && 'blocks' in error;

type Coded = Error & { readonly code?: string };

const asError = (error: unknown): Coded =>
  error instanceof Error ? error : new Error(String(error));

function chainOf(error: unknown): readonly Coded[] {
  const chain: Coded[] = [];
  for (let next = error; next instanceof Error && chain.length < 8; next = next.cause) {
    chain.push(next, ...(next instanceof AggregateError ? next.errors : []));
  }
  return chain;
}

const oneLine = (text: string): string => text.trim().replace(/\s*\n\s*/g, ' ');

/** `error: unknown option '--x'` → `Unknown option '--x'.` */
function sentenceOf(message: string): string {
  const line = oneLine(message.replace(/^error: /, ''));
  return `${line.charAt(0).toUpperCase()}${line.slice(1)}${/[.!?)]$/.test(line) ? '' : '.'}`;
}
