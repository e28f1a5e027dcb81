/** List prices of us-east-1 in dollars, November 2026: check them for your region. */
export const prices = {
  /** DynamoDB on demand, each million request units. */
  writeUnits: 0.625,
  readUnits: 0.125,
  /** SQS, each million requests. */
  queueCalls: 0.4,
  /** Step Functions Standard, each million state transitions. */
  transitions: 25,
  /** Lambda, each million runs, and a GB-second on arm64. */
  runs: 0.2,
  gbSecond: 0.0000133334,
  /** A GB from one zone to another: both sides pay. */
  crossZoneGb: 0.02,
} as const;
