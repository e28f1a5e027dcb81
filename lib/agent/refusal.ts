/** Every "no" of an agent, with its status (contract/agent.ts). */
const statuses = {
  malformed: 400,
  'bad-capability': 401,
  'wrong-capability': 403,
  'not-held': 404,
  'below-fence': 409,
  'no-length': 411,
  'too-large': 413,
  'bad-range': 416,
  checksum: 422,
  stopping: 503,
  busy: 503,
  disk: 503,
  full: 507,
} as const;

export type RefusalKind = keyof typeof statuses;

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }

  get status(): number {
    return statuses[this.kind];
  }
}
