/**
 * Options of an SDK client that sends each request once: lib/aws/persist.ts decides what may be
 * sent again. Without them the SDK repeats a write whose answer was lost, says nothing of it, and
 * waits for an answer for ever.
 */
export const sentOnce = (requestMsMax: number) => ({
  maxAttempts: 1,
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: requestMsMax,
    throwOnRequestTimeout: true,
  },
});
