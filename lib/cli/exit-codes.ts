/** How `ballast` ends; scripts rely on these. */
export const exitCodes = {
  ok: 0,
  /** Something failed while it ran. */
  failed: 1,
  /** The command line or what it names is wrong; nothing was done. */
  usage: 2,
  /** It may not happen now, or the fleet is degraded. */
  blocked: 3,
  credentials: 4,
  timedOut: 124,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
