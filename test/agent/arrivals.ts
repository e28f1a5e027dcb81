import { createHash, randomBytes } from 'node:crypto';
import {
  issueCapability,
  type Operation,
  publicKeyOf,
  signingKey,
} from '../../lib/contract/capability.ts';
import type { Arrival } from './agent-calls.ts';

export const fleetKey = signingKey('a secret of a fleet that only tests know');
export const publicKey = publicKeyOf(fleetKey);

export const sha256Of = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

export const capability = (node: string, op: Operation, subject?: string, expires?: number) =>
  issueCapability(fleetKey, {
    op,
    node,
    expires: expires ?? Date.now() + 60_000,
    ...(subject !== undefined && { subject }),
  });

export function arrivalOf(bytes: Uint8Array, over: Partial<Arrival> = {}): Arrival {
  const sha256 = sha256Of(bytes);
  return { chunk: sha256, slot: 0, epoch: 1, sha256, bytes, ...over };
}
export const randomArrival = (size: number, over: Partial<Arrival> = {}): Arrival =>
  arrivalOf(randomBytes(size), over);

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
