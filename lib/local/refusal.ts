/** What the local cloud cannot or will not do, in one sentence for the user; the caller picks the exit code. */
export type RefusalKind =
  | 'home-in-use'
  | 'bad-assembly'
  | 'unsupported-resource'
  | 'unsupported-property'
  | 'no-dynamodb'
  | 'port-in-use'
  | 'component-failed';

export class LocalCloudRefusal extends Error {
  override readonly name = 'LocalCloudRefusal';
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.kind = kind;
  }
}

/** An error in the form in which AWS answers it: `code` is what SDK clients see as `error.name`. */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}
