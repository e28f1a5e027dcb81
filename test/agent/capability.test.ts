import { describe, expect, test } from 'vitest';
import { issueCapability, signingKey } from '../../lib/contract/capability.ts';
import { put } from './agent-calls.ts';
import { arrivalOf, capability } from './arrivals.ts';
import { rawRequest } from './raw-request.ts';
import { type Started, startedAgent } from './started-agent.ts';

const hello = arrivalOf(Buffer.from('hello'));
const get = (agent: Started, authorization: string | string[]) =>
  rawRequest(agent.port, {
    method: 'GET',
    path: `/chunks/${hello.chunk}`,
    headers: { 'x-ballast-protocol': '1', authorization },
  });

describe('a capability', () => {
  const right = { op: 'read', node: 'n1', subject: hello.chunk } as const;
  const soon = () => Date.now() + 60_000;

  test('that is right is honoured', async () => {
    const agent = await startedAgent();
    await put(agent, hello);
    expect((await get(agent, `Bearer ${capability('n1', 'read', hello.chunk)}`)).status).toBe(200);
  });

  test.each([
    ['another node', 403, { ...right, node: 'n2' }],
    ['a node whose name begins alike', 403, { ...right, node: 'n11' }],
    ...(['put', 'delete', 'pull', 'inspect'] as const).map(
      (op) => [`operation ${op}`, 403, { ...right, op }] as const,
    ),
    ['another chunk', 403, { ...right, subject: '0'.repeat(64) }],
    ['no chunk', 403, { op: 'read', node: 'n1' } as const],
    ['a chunk in capitals', 403, { ...right, subject: hello.chunk.toUpperCase() }],
    ['a moment that is past', 401, { ...right, expires: 1 }],
  ] as const)('for %s is refused', async (_what, status, claims) => {
    const agent = await startedAgent();
    await put(agent, hello);
    const { op, node, subject } = { subject: undefined, ...claims };
    const expires = 'expires' in claims ? claims.expires : soon();
    const answer = await get(agent, `Bearer ${capability(node, op, subject, expires)}`);
    expect(answer.status).toBe(status);
  });

  test('of another fleet is refused', async () => {
    const agent = await startedAgent();
    await put(agent, hello);
    const other = signingKey('the secret of quite another fleet, as long');
    const token = issueCapability(other, { ...right, expires: soon() });
    expect((await get(agent, `Bearer ${token}`)).kind).toBe('bad-capability');
  });

  test('with a single bit flipped is refused, whichever it is', async () => {
    const agent = await startedAgent();
    await put(agent, hello);
    const token = Buffer.from(capability('n1', 'read', hello.chunk));
    const accepted: number[] = [];
    let tried = 0;
    for (let bit = 0; bit < token.length * 8; bit += 1) {
      const wrong = Buffer.from(token);
      wrong[bit >> 3]! ^= 1 << (bit & 7);
      const code = wrong[bit >> 3]!;
      // What no HTTP client can put into a header does not reach the agent.
      if (code < 0x20 || code > 0x7e) continue;
      tried += 1;
      const { status } = await get(agent, `Bearer ${wrong.toString('latin1')}`);
      if (status !== 401) accepted.push(bit);
    }
    expect(accepted).toEqual([]);
    expect(tried).toBeGreaterThan(1_000);
  });

  test.each([
    ['no word', ''],
    ['another scheme', `Basic ${capability('n1', 'read', hello.chunk)}`],
    ['no scheme', capability('n1', 'read', hello.chunk)],
    ['claims without a signature', capability('n1', 'read', hello.chunk).split('.')[0]!],
    ['an empty signature', `${capability('n1', 'read', hello.chunk).split('.')[0]}.`],
    ['a third part', `Bearer ${capability('n1', 'read', hello.chunk)}.x`],
    ['padding', `Bearer ${capability('n1', 'read', hello.chunk)}=`],
    ['a space within', `Bearer  ${capability('n1', 'read', hello.chunk)}`],
  ])('in the form of %s is refused', async (_what, header) => {
    const agent = await startedAgent();
    await put(agent, hello);
    expect((await get(agent, header)).status).toBe(401);
  });

  test('given twice is refused', async () => {
    const agent = await startedAgent();
    await put(agent, hello);
    const token = `Bearer ${capability('n1', 'read', hello.chunk)}`;
    expect((await get(agent, [token, token])).status).toBe(401);
  });
});
