import type { KeyObject } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { protocolVersion } from '../contract/agent.ts';
import {
  type CapabilityRefusal,
  type Operation,
  refuseCapability,
} from '../contract/capability.ts';
import { Refusal, type RefusalKind } from './refusal.ts';

/** A signed word of Ed25519 with its claims is some 350 characters. */
const tokenPattern = /^Bearer ([A-Za-z0-9_-]{1,1024}\.[A-Za-z0-9_-]{86})$/;

const kinds: Record<CapabilityRefusal, RefusalKind> = {
  malformed: 'bad-capability',
  'bad-signature': 'bad-capability',
  expired: 'bad-capability',
  'wrong-node': 'wrong-capability',
  'wrong-operation': 'wrong-capability',
  'wrong-subject': 'wrong-capability',
};

/** Whether a request may do what it asks for. */
export class Authority {
  readonly #key: KeyObject;
  readonly #node: string;
  readonly #now: () => number;

  /** `now` is epoch milliseconds: capabilities expire by it. */
  constructor(key: KeyObject, node: string, now: () => number) {
    this.#key = key;
    this.#node = node;
    this.#now = now;
  }

  /** @throws Refusal 'bad-capability', 'wrong-capability' */
  allow(request: IncomingMessage, op: Operation, subject: string | undefined): void {
    const token = tokenPattern.exec(only(request.headersDistinct, 'authorization') ?? '')?.[1];
    if (token === undefined)
      throw new Refusal('bad-capability', 'authorization: Bearer <capability> is needed');
    const wanted = { op, node: this.#node, subject, now: this.#now() };
    const refusal = refuseCapability(this.#key, token, wanted);
    if (refusal !== undefined)
      throw new Refusal(kinds[refusal], `the capability does not allow this: ${refusal}`);
  }
}

/** @throws Refusal 'malformed' */
export function checkProtocol({ headers }: { readonly headers: IncomingHttpHeaders }): void {
  const said = headers['x-ballast-protocol'];
  if (said !== String(protocolVersion))
    throw new Refusal(
      'malformed',
      `x-ballast-protocol is ${JSON.stringify(said)}, this node speaks ${protocolVersion}`,
    );
}

function only(headers: NodeJS.Dict<string[]>, name: string): string | undefined {
  const values = headers[name];
  return values?.length === 1 ? values[0] : undefined;
}
