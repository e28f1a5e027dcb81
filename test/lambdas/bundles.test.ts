import { readdirSync } from 'node:fs';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';

const functions = readdirSync('lambdas').map((file) => file.replace('.ts', ''));
const adapters = {
  nodes: 'lib/aws/nodes.ts',
  machines: 'lib/aws/machines.ts',
  workflows: 'lib/aws/workflows.ts',
  queues: 'lib/aws/queues.ts',
  archive: 'lib/aws/archive.ts',
  events: 'lib/aws/events.ts',
};
type PortName = keyof typeof adapters;

interface Bundle {
  /** Ports that code left in the bundle calls. */
  readonly calls: readonly PortName[];
  /** Ports whose adapter is in the bundle. */
  readonly wired: readonly PortName[];
  readonly inputs: readonly string[];
}
const bundles = new Map<string, Bundle>();

/** Each function's own, in one run: the SDK is read once. */
async function bundleAll(): Promise<void> {
  const { outputFiles, metafile } = await build({
    entryPoints: functions.map((name) => `lambdas/${name}.ts`),
    outdir: 'bundle',
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    treeShaking: true,
  });
  for (const name of functions) {
    const output = metafile.outputs[`bundle/${name}.js`]!;
    const inputs = Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [path] : [],
    );
    const { text } = outputFiles.find(({ path }) => path.endsWith(`/bundle/${name}.js`))!;
    bundles.set(name, { ...portsIn(text, inputs), inputs });
  }
}

function portsIn(text: string, inputs: readonly string[]): Pick<Bundle, 'calls' | 'wired'> {
  const ports = Object.keys(adapters) as PortName[];
  return {
    calls: ports.filter((port) => new RegExp(`\\bports\\d*\\.${port}\\b`).test(text)),
    wired: ports.filter((port) => inputs.includes(adapters[port])),
  };
}

beforeAll(bundleAll);

describe.each(functions)('the bundle of %s', (name) => {
  test('has the adapters of the ports that its step calls, and no others', () => {
    const { calls, wired } = bundles.get(name)!;
    expect(wired).toEqual(calls);
  });

  test('has the EC2 client only where machines are used', () => {
    const { calls, inputs } = bundles.get(name)!;
    const hasEc2 = inputs.some((path) => path.includes('@aws-sdk/client-ec2/'));
    expect(hasEc2).toBe(calls.includes('machines'));
  });

  test('has no part of zod that it does not use, and no CDK', () => {
    const { inputs } = bundles.get(name)!;
    expect(inputs.filter((path) => /zod\/.*locales\/|aws-cdk-lib|lib\/infra/.test(path))).toEqual(
      [],
    );
  });
});
