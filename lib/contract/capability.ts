import {
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import * as z from 'zod/mini';

/**
 * A short-lived signed token that a node wants on every request: who may do what to which chunk on which
 * node, until when. `base64url(claims) + '.' + base64url(Ed25519 signature of the first part)`.
 */
const Claims = z.object({
  op: z.enum(['put', 'read', 'delete', 'pull', 'renew', 'close', 'inspect']),
  /** The node that must honour it; another node refuses. */
  node: z.string(),
  /** Chunk id, or the lower-case hex SHA-256 of the request's body where it names many. Absent for `inspect` and `close`. */
  subject: z.optional(z.string()),
  /** Epoch milliseconds. */
  expires: z.number(),
});
export type Claims = z.infer<typeof Claims>;
export type Operation = Claims['op'];

/** Ed25519 PKCS#8 and SPKI headers (RFC 8410): the 32 key bytes follow. */
const pkcs8Header = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiHeader = Buffer.from('302a300506032b6570032100', 'hex');

/** The signing key of a fleet, derived from its secret (a random string of at least 32 characters). */
export function signingKey(secret: string): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', secret, '', 'ballast capability v1', 32));
  return createPrivateKey({
    key: Buffer.concat([pkcs8Header, seed]),
    format: 'der',
    type: 'pkcs8',
  });
}

/** The public half, base64url: stamped on an instance as the tag `ballast:capability-key` at launch. */
export const publicKeyOf = (key: KeyObject): string =>
  createPublicKey(key)
    .export({ format: 'der', type: 'spki' })
    .subarray(spkiHeader.length)
    .toString('base64url');

export const verifyingKey = (publicKey: string): KeyObject =>
  createPublicKey({
    key: Buffer.concat([spkiHeader, Buffer.from(publicKey, 'base64url')]),
    format: 'der',
    type: 'spki',
  });

export function issueCapability(key: KeyObject, claims: Claims): string {
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${body}.${sign(null, Buffer.from(body), key).toString('base64url')}`;
}

export type CapabilityRefusal =
  | 'malformed'
  | 'bad-signature'
  | 'expired'
  | 'wrong-node'
  | 'wrong-operation'
  | 'wrong-subject';

export interface Wanted {
  readonly op: Operation;
  readonly node: string;
  readonly subject: string | undefined;
  /** Epoch milliseconds on the node's clock. */
  readonly now: number;
}

/** `undefined` when `token` allows exactly what is wanted, else why not. */
export function refuseCapability(
  key: KeyObject,
  token: string,
  wanted: Wanted,
): CapabilityRefusal | undefined {
  const [body, signature, ...rest] = token.split('.');
  if (body === undefined || signature === undefined || rest.length > 0) return 'malformed';
  const signed = Buffer.from(signature, 'base64url');
  // The last character has four bits to spare: one signature is one text.
  if (signed.toString('base64url') !== signature) return 'malformed';
  if (!verify(null, Buffer.from(body), key, signed)) return 'bad-signature';
  const claims = Claims.safeParse(JSON.parse(Buffer.from(body, 'base64url').toString()));
  if (!claims.success) return 'malformed';
  if (claims.data.expires < wanted.now) return 'expired';
  if (claims.data.node !== wanted.node) return 'wrong-node';
  if (claims.data.op !== wanted.op) return 'wrong-operation';
  return claims.data.subject === wanted.subject ? undefined : 'wrong-subject';
}
