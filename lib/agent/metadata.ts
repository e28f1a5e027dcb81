import { tagCapabilityKey, tagCapacity, tagFleet, tagNode } from '../contract/env.ts';

/** What EC2 says of this machine. */
export interface Machine {
  readonly instance: string;
  readonly address: string;
  readonly zone: string;
  readonly node: string;
  readonly fleet: string;
  /** base64url Ed25519 public key that signs the fleet's capabilities. */
  readonly capabilityKey: string;
  /** Bytes for chunks, where the launch chose the machine's type. */
  readonly capacityBytes: number | undefined;
}

const endpointDefault = 'http://169.254.169.254';
const answerMsMax = 2_000;
/** The token is used at once. */
const tokenSeconds = '60';

/**
 * Asks the instance metadata service, version 2.
 * @throws an error that names what could not be read
 */
export async function readMachine(endpoint: string = endpointDefault): Promise<Machine> {
  const root = endpoint.replace(/\/+$/, '');
  const token = await ask(`${root}/latest/api/token`, 'PUT', {
    'x-aws-ec2-metadata-token-ttl-seconds': tokenSeconds,
  });
  const read = (path: string) =>
    ask(`${root}/latest/meta-data/${path}`, 'GET', { 'x-aws-ec2-metadata-token': token });
  const tags = (await read('tags/instance')).split('\n').map((name) => name.trim());
  return {
    instance: await read('instance-id'),
    address: await read('local-ipv4'),
    zone: await read('placement/availability-zone'),
    node: await read(`tags/instance/${tagNode}`),
    fleet: await read(`tags/instance/${tagFleet}`),
    capabilityKey: await read(`tags/instance/${tagCapabilityKey}`),
    capacityBytes: tags.includes(tagCapacity)
      ? Number(await read(`tags/instance/${tagCapacity}`))
      : undefined,
  };
}

async function ask(
  url: string,
  method: 'GET' | 'PUT',
  headers: Record<string, string>,
): Promise<string> {
  const signal = AbortSignal.timeout(answerMsMax);
  let status: number;
  try {
    const answer = await fetch(url, { method, headers, redirect: 'error', signal });
    if (answer.ok) return (await answer.text()).trim();
    status = answer.status;
  } catch (error) {
    throw new Error(`instance metadata: ${method} ${url} failed`, { cause: error });
  }
  throw new Error(`instance metadata: ${method} ${url} answered ${status}`);
}
