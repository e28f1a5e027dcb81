import { spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { functionNames } from '../../lib/infra/functions.ts';
import { readAssembly } from '../../lib/local/assembly.ts';
import { planDeployment } from '../../lib/local/plan.ts';

let out: string;
beforeAll(() => {
  out = mkdtempSync(join(tmpdir(), 'ballast-synth-'));
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

/** As the local cloud runs the app: without CLI, account or network. */
const run = (context: Record<string, unknown> = {}) =>
  spawnSync(process.execPath, ['bin/app.ts'], {
    encoding: 'utf8',
    env: { ...process.env, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify(context) },
  });

test('a context value that makes no sense is one sentence and exit code 2', () => {
  const { status, stderr } = run({ 'ballast:heartbeatSeconds': 'soon' });
  expect([status, stderr]).toEqual([
    2,
    'context ballast:heartbeatSeconds is "soon", expected a whole number from 1 to 300\n',
  ]);
});

test('the app bundles once, and what it makes is what the local cloud runs', {
  timeout: 180_000,
}, () => {
  const first = run();
  expect([first.status, first.stderr.match(/Bundling/g)?.length]).toEqual([0, 2]);
  const bundles = readdirSync(out).filter((name) => name.startsWith('asset.'));
  const modules = bundles.map((bundle) =>
    globSync('*.mjs', { cwd: join(out, bundle) }).map((file) => {
      const text = readFileSync(join(out, bundle, file), 'utf8');
      expect(text.trim().endsWith(`//# sourceMappingURL=${file}.map`)).toBe(true);
      expect(existsSync(join(out, bundle, `${file}.map`))).toBe(true);
      return file.replace('.mjs', '');
    }),
  );
  const [agent, functions] = modules.sort((a, b) => a.length - b.length);
  expect(agent).toContain('index');
  expect(functions).toEqual(expect.arrayContaining([...functionNames]));
  expect(modules).toHaveLength(2);
  const before = readFileSync(join(out, 'ballast-fleet.template.json'), 'utf8');

  const second = run();
  expect([second.status, second.stderr]).toEqual([0, '']);
  expect(readFileSync(join(out, 'ballast-fleet.template.json'), 'utf8')).toBe(before);

  const place = { region: 'eu-central-1', endpoint: 'http://127.0.0.1:1' };
  const assembly = readAssembly(out);
  const { deployment, outputs } = planDeployment(assembly, place);
  expect(deployment.functions).toHaveLength(functionNames.length);
  expect(deployment.workflows.map(({ name }) => name).sort()).toEqual([
    'ballast-drain',
    'ballast-rebalance',
    'ballast-repair',
    'ballast-scale-out',
  ]);
  const settings = JSON.parse(outputs.BallastSettings ?? '');
  expect(settings.BALLAST_SUBNETS).toMatch(
    /^eu-central-1a=subnet-\w+,eu-central-1b=subnet-\w+,eu-central-1c=subnet-\w+$/,
  );
  expect(deployment.workflows.map(({ arn }) => arn)).toContain(settings.BALLAST_WORKFLOW_DRAIN);
  expect(existsSync(join(out, 'manifest.json'))).toBe(true);
});
