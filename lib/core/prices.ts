/** Public list prices, us-east-1, in dollars; what they are for: docs/cost.md. */

/** Traffic between two zones: $0.01 a GB where it leaves and $0.01 a GB where it arrives. */
export const dollarsPerCrossZoneByte = (0.01 + 0.01) / 1e9;

/** DynamoDB on demand. */
export const dollarsPerWriteUnit = 0.625e-6;
export const dollarsPerReadUnit = 0.125e-6;

/** SQS, after the free million. */
export const dollarsPerQueueCall = 0.4e-6;

/** Lambda on arm64. */
export const dollarsPerRun = 0.2e-6;
export const dollarsPerGbSecond = 13.3334e-6;

/** Step Functions, standard workflows. */
export const dollarsPerTransition = 25e-6;
