import { describe, expect, test } from 'vitest';
import { guardHeaders, refusalOf } from '../../lib/dashboard/gate.ts';

const gate = { port: 4780, key: 'the-key' };
const host = '127.0.0.1:4780';
const withKey = { host, authorization: 'Bearer the-key' };
const posted = { ...withKey, 'content-type': 'application/json' };

const statusOf = (method: string, path: string, headers: Record<string, string>) =>
  refusalOf(gate, { method, path, headers })?.status;

describe('who gets in', () => {
  test.each<[what: string, method: string, path: string, headers: Record<string, string>]>([
    ['the page itself, without a key', 'GET', '/', { host }],
    ['by the other name of loopback', 'GET', '/page.js', { host: 'localhost:4780' }],
    ['the live stream, with the key', 'GET', '/api/live', withKey],
    ['a verb, with the key', 'POST', '/api/verbs/drain', posted],
    [
      'a verb of the page itself',
      'POST',
      '/api/verbs/drain',
      { ...posted, origin: `http://${host}` },
    ],
    [
      'a fetch of the page itself',
      'GET',
      '/api/live',
      { ...withKey, 'sec-fetch-site': 'same-origin' },
    ],
  ])('%s', (_what, method, path, headers) =>
    expect(statusOf(method, path, headers)).toBeUndefined(),
  );

  test.each<
    [what: string, status: number, method: string, path: string, headers: Record<string, string>]
  >([
    ['a name that points here (DNS rebinding)', 421, 'GET', '/', { host: 'evil.example:4780' }],
    ['a right name with another port', 421, 'GET', '/', { host: '127.0.0.1:80' }],
    ['no name at all', 421, 'GET', '/', {}],
    [
      'a rebound name even with the key',
      421,
      'GET',
      '/api/live',
      { ...withKey, host: 'evil:4780' },
    ],
    ['another origin', 403, 'POST', '/api/verbs/drain', { ...posted, origin: 'http://evil' }],
    ['a sandboxed frame', 403, 'GET', '/api/live', { ...withKey, origin: 'null' }],
    [
      'another port of this machine',
      403,
      'POST',
      '/api/verbs/drain',
      { ...posted, origin: 'http://127.0.0.1:1' },
    ],
    [
      'a fetch of another site',
      403,
      'GET',
      '/api/live',
      { ...withKey, 'sec-fetch-site': 'cross-site' },
    ],
    ['reading without the key', 401, 'GET', '/api/live', { host }],
    ['steering without the key', 401, 'POST', '/api/verbs/drain', { ...posted, authorization: '' }],
    ['a wrong key', 401, 'GET', '/api/live', { host, authorization: 'Bearer the-kez' }],
    [
      'a form of another page',
      415,
      'POST',
      '/api/verbs/drain',
      { ...withKey, 'content-type': 'text/plain' },
    ],
    ['a verb by a link', 405, 'GET', '/api/verbs/drain', withKey],
    ['writing to the page', 405, 'POST', '/', { host }],
  ])('not %s: %i', (_what, status, method, path, headers) =>
    expect(statusOf(method, path, headers)).toBe(status),
  );
});

test('nothing from elsewhere is loaded or framed', () => {
  const policy = guardHeaders['content-security-policy'];
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});
