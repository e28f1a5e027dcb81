import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { type DemoReport, shortcomings } from '../../lib/cli/demo/report.ts';
import { LocalStore } from './local-store.ts';
import { processesNaming } from './processes.ts';
import { writeTree } from './tree.ts';

const wanted = process.env.BALLAST_E2E_DEMO === '1';
if (!wanted) console.log('The demo is not run here: BALLAST_E2E_DEMO=1 runs it (about 90 s).');

describe.runIf(wanted)('the demo on a small data set', () => {
  test('holds all that it promises and leaves nothing behind', async () => {
    const store = new LocalStore(inject('assembly'));
    try {
      writeTree(store.place('data'), 80, 40_000);
      const { code, stderr } = await store.run('demo', '--data', 'data', '--report', 'report.json');
      const text = readFileSync(join(store.directory, 'report.json'), 'utf8');
      const report = JSON.parse(text) as DemoReport;
      expect(shortcomings(report)).toEqual([]);
      expect([code, report.filesVerified > 0, stderr.includes('failed')]).toEqual([0, true, false]);
      expect(processesNaming(store.directory)).toEqual([]);
    } finally {
      rmSync(store.directory, { recursive: true, force: true });
    }
  }, 300_000);
});
