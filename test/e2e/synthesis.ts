/**
 * Vitest's global setup of the end-to-end tests: one synthesis for all of them. The template is the one that
 * `ballast up` makes, with times for a test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { localContext } from '../../lib/cli/cloud/local-context.ts';
import { synthesise } from '../../lib/cli/cloud/synthesise.ts';
import type { Context } from '../../lib/cli/context.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Directory of the synthesised assembly; tests that change it copy it. */
    assembly: string;
  }
}

/** A few MB fill it, so that a test can ask for a drain that leaves too little room. */
export const nodeCapacityBytes = 8 * 2 ** 20;

function testContext(): Record<string, unknown> {
  const context = localContext(nodeCapacityBytes, 3);
  return {
    ...context,
    'ballast:alarmHighPeriods': 1,
    'ballast:functionTimeoutSeconds': 30,
    'ballast:policy': {
      ...(context['ballast:policy'] as object),
      autoscaling: false, // nearly empty fleets would shrink while a test looks at them
      graceMs: 500,
      connectionsLimitMs: 2_000,
      parkingMs: 3_000,
      flightLimitMs: 5_000,
      // A drain of a few MB lasts some seconds: long enough to be interrupted.
      nodeRateBytes: 1_500_000,
      batchRateBytes: 500_000,
    },
  };
}

/** What synthesis needs of a command line's surroundings. */
const surroundings = {
  io: { interrupted: new AbortController().signal },
  world: { appFile: resolve(import.meta.dirname, '../../bin/app.ts') },
} as unknown as Context;

export default async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), 'ballast-assembly-'));
  const remove = () => rmSync(directory, { recursive: true, force: true });
  try {
    const assembly = join(directory, 'cdk.out');
    await synthesise(surroundings, assembly, testContext());
    project.provide('assembly', assembly);
    return remove;
  } catch (error) {
    remove();
    throw error;
  }
}
