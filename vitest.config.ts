import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The simulation takes minutes on one core: it begins first, so that the rest runs beside it. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => moduleId.includes('/test/sim/');
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**'],
          isolate: false, // modules are shared: no hooks outside of test files, no mock that stays
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/*.test.ts'],
          globalSetup: ['test/e2e/synthesis.ts'],
          maxWorkers: 1, // each starts a dozen processes
          sequence: { groupOrder: 1 },
        },
      },
    ],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    env: {
      AWS_EC2_METADATA_DISABLED: 'true',
      CDK_VALIDATION: 'false',
      NO_COLOR: '1',
      // Commands and services that tests start compile their code once.
      NODE_COMPILE_CACHE: join(tmpdir(), 'ballast-compile-cache'),
    },
    coverage: {
      provider: 'v8',
      include: ['lib/core/**', 'lib/control/**'],
      reporter: ['text-summary'],
      thresholds: { statements: 95 },
    },
  },
});
