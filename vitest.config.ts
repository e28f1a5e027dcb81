import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    env: { AWS_EC2_METADATA_DISABLED: 'true', CDK_VALIDATION: 'false', NO_COLOR: '1' },
    coverage: {
      provider: 'v8',
      include: ['lib/core/**', 'lib/control/**'],
      reporter: ['text-summary'],
      thresholds: { statements: 95 },
    },
  },
});
