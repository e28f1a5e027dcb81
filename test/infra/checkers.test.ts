import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { AwsSolutionsChecks } from 'cdk-nag';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Synthesis, synthesise } from './synthesis.ts';

let synthesis: Synthesis;
let directory: string;
beforeAll(() => {
  synthesis = synthesise();
  directory = mkdtempSync(join(tmpdir(), 'ballast-lint-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('cdk-nag’s AwsSolutions', () => {
  const findings = (app: App) =>
    new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName);

  test('finds nothing that is not acknowledged at its resource', () => {
    expect(findings(synthesis.app)).toEqual([]);
  });

  test('would find something', () => {
    const app = new App();
    new Bucket(new Stack(app, 'Bad'), 'Bucket');
    expect(findings(app)).not.toEqual([]);
  });
});

const hasLinter = spawnSync('cfn-lint', ['--version']).status === 0;
const lint = (name: string, template: unknown) => {
  const file = join(directory, `${name}.template.json`);
  writeFileSync(file, JSON.stringify(template));
  const { status, stdout } = spawnSync('cfn-lint', [file], { encoding: 'utf8' });
  return { status, stdout };
};

describe.skipIf(!hasLinter)(
  'cfn-lint (skipped where it is not installed: pip install cfn-lint)',
  () => {
    test('has no error and no warning', { timeout: 60_000 }, () => {
      expect(lint('data', synthesis.data.toJSON())).toEqual({ status: 0, stdout: '' });
      expect(lint('fleet', synthesis.fleet.toJSON())).toEqual({ status: 0, stdout: '' });
    });

    test('would say something', () => {
      const bad = {
        Resources: { Queue: { Type: 'AWS::SQS::Queue', Properties: { Colour: 'red' } } },
      };
      expect(lint('bad', bad).stdout).toContain('E3002');
    });
  },
);
