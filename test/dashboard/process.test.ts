import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { scratch } from '../support/scratch.ts';
import { deploymentSettings } from '../support/settings.ts';

const command = resolve(import.meta.dirname, '../../bin/ballast.ts');

/** The command for a deployment that does not answer: the page is there all the same, and says so. */
function begin(...argv: readonly string[]) {
  const child = spawn(process.execPath, [command, 'dashboard', '--no-open', ...argv], {
    cwd: scratch(),
    env: {
      ...process.env,
      BALLAST_SETTINGS: deploymentSettings,
      AWS_ENDPOINT_URL: 'http://127.0.0.1:1',
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'us-east-1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'close').then(([code]) => code as number);
  return { child, ended };
}

test('says where the page is, serves it, and ends in good order on Ctrl-C', async () => {
  const { child, ended } = begin('--port', '0');
  const said = text(child.stdout);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const url = new URL(line.toString().trim());
  expect(url.hostname).toBe('127.0.0.1');
  expect(url.hash).toMatch(/^#key=[\w-]{43}$/);
  expect((await fetch(url)).status).toBe(200);
  const headers = { authorization: `Bearer ${url.hash.slice('#key='.length)}` };
  const live = await fetch(new URL('/api/live', url), { headers });
  const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
  let events = '';
  while (!events.includes('"failed"')) events += (await reader.read()).value;
  expect(events).toContain('The store does not answer');
  child.kill('SIGINT');
  expect(await ended).toBe(0);
  expect((await said).split('\n')).toHaveLength(2);
});

test('a port that is taken is one sentence and exit code 2', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const { child, ended } = begin('--port', String(port));
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toBe(`ballast: Port ${port} is in use: name another with --port, or 0 for any.\n`);
});
