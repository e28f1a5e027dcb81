/**
 * What a failed call to AWS means. `refused`: a condition did not hold. `passing`: nothing
 * happened, again later. `unknown`: the request may have been carried out, or may yet be. `other`:
 * a mistake, ours or of the deployment; trying again does not mend it.
 */
export type Failure = 'refused' | 'passing' | 'unknown' | 'other';

/** Named by the services themselves: the request was turned away before it did anything. */
const passingNames: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
]);
/** No connection came about, so nothing was sent. */
const unsentCodes: ReadonlySet<string> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
]);
/**
 * The connection ended, or time did, with the request on its way. `TransactionInProgress`: so is an
 * earlier try.
 */
const unknownNames: ReadonlySet<string> = new Set([
  'AbortError',
  'RequestTimeout',
  'RequestTimeoutException',
  'TimeoutError',
  'TransactionInProgressException',
]);
const unknownCodes: ReadonlySet<string> = new Set([
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ETIMEDOUT',
]);

interface SdkError extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return 'other';
  const { name, code = '', $metadata, CancellationReasons } = error as SdkError;
  const status = $metadata?.httpStatusCode ?? 0;
  if (name === 'ConditionalCheckFailedException') return 'refused';
  if (name === 'TransactionCanceledException') return failureOfCancelled(CancellationReasons ?? []);
  if (passingNames.has(name) || unsentCodes.has(code) || status === 429) return 'passing';
  if (unknownNames.has(name) || unknownCodes.has(code) || status >= 500) return 'unknown';
  // The SDK leaves `$response` on an answer that it could not read, `$fault` on one that it could.
  return '$response' in error && !('$fault' in error) ? 'unknown' : 'other';
}

/**
 * A cancelled transaction wrote nothing. One failed condition is an answer, whatever else went
 * wrong.
 */
function failureOfCancelled(reasons: readonly { readonly Code?: string }[]): Failure {
  const codes = reasons.map(({ Code = 'None' }) => Code).filter((code) => code !== 'None');
  if (codes.includes('ConditionalCheckFailed')) return 'refused';
  const passing = ['TransactionConflict', 'ProvisionedThroughputExceeded', 'ThrottlingError'];
  return codes.length > 0 && codes.every((code) => passing.includes(code)) ? 'passing' : 'other';
}
