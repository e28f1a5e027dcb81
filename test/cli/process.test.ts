import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scratch } from '../support/scratch.ts';
import { deploymentSettings } from '../support/settings.ts';

const command = resolve(import.meta.dirname, '../../bin/ballast.ts');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command as a process of its own; `during` sees it running. */
function run(argv: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise((ended, failed) => {
    const child = spawn(process.execPath, [command, ...argv], {
      cwd: scratch(),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data: Buffer) => {
      stdout += data;
    });
    child.stderr.on('data', (data: Buffer) => {
      stderr += data;
    });
    child.on('error', failed);
    child.on('close', (code) => ended({ code, stdout, stderr }));
  });
}

describe('the process', () => {
  test('help and version are answers', async () => {
    const [help, version] = await Promise.all([run(['--help']), run(['--version'])]);
    expect([help.code, version.code, help.stderr + version.stderr]).toEqual([0, 0, '']);
    expect(help.stdout).toMatch(/^Usage: ballast .*drain .*simulate /s);
    expect(help.stdout).not.toContain('_cloud');
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('no command is a mistake: help on standard error, exit code 2', async () => {
    const { code, stdout, stderr } = await run([]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: ballast/);
  });

  test('a mistake is one sentence and exit code 2', async () => {
    const { code, stdout, stderr } = await run(['status', '--no-such']);
    expect([code, stdout, stderr]).toEqual([2, '', "ballast: Unknown option '--no-such'.\n"]);
  });

  test('a store that does not answer is one sentence and exit code 1', async () => {
    const { code, stderr } = await run(['nodes', '--endpoint-url', 'http://127.0.0.1:1'], {
      BALLAST_SETTINGS: deploymentSettings,
      AWS_ACCESS_KEY_ID: 'x',
      AWS_SECRET_ACCESS_KEY: 'x',
      AWS_REGION: 'us-east-1',
    });
    expect(stderr).toMatch(/^ballast: The store does not answer[^\n]+\n$/);
    expect(code).toBe(1);
  });

  test('an assembly that is none starts nothing and leaves no lock', async () => {
    const home = scratch();
    const argv = ['up', '--home', home, '--assembly', join(home, 'none')];
    const [first, second] = [await run(argv), await run(argv)];
    expect([first.code, second.code]).toEqual([2, 2]);
    expect(second.stderr).toBe(first.stderr);
    expect(first.stderr).toMatch(/^ballast: [^\n]+\n$/);
    expect(readdirSync(home)).toEqual(['logs']);
  });
});
