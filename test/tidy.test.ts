import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The import rule (ARCHITECTURE.md), and what no linter knows about this project's style. */
const root = resolve(import.meta.dirname, '..');

const filesBelow = (directory: string): string[] =>
  readdirSync(join(root, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(directory, name));

const product = ['bin', 'lib', 'lambdas'].flatMap(filesBelow);

/** By layer: the layers of ours, and the packages, that it may import besides itself and Node's own. */
const may: Readonly<
  Record<string, { readonly layers: readonly string[]; readonly packages: RegExp }>
> = {
  'lib/core': { layers: [], packages: /^$/ },
  'lib/contract': { layers: ['lib/core'], packages: /^zod/ },
  'lib/control': { layers: ['lib/core', 'lib/contract'], packages: /^$/ },
  'lib/aws': {
    layers: ['lib/core', 'lib/contract', 'lib/control'],
    packages: /^(@aws-sdk|@smithy|@aws-lambda-powertools|aws-lambda|ulid|zod)/,
  },
  'lib/agent': { layers: ['lib/core', 'lib/contract'], packages: /^(@aws-sdk|@smithy|zod)/ },
  'lib/client': { layers: ['lib/core', 'lib/contract', 'lib/control'], packages: /^$/ },
  'lib/sim': { layers: ['lib/core', 'lib/contract', 'lib/control'], packages: /^$/ },
  'lib/infra': {
    layers: ['lib/core', 'lib/contract'],
    packages: /^(aws-cdk-lib|constructs|cdk-nag|zod|esbuild)/,
  },
  'lib/local': {
    layers: ['lib/core', 'lib/contract'],
    packages: /^(fauxqs|aws-local-stepfunctions|@aws-sdk|zod)/,
  },
  'lib/cli': {
    layers: ['lib/core', 'lib/contract', 'lib/control', 'lib/client', 'lib/sim'],
    packages: /^(commander|@commander-js|cli-table3|zod)/,
  },
  'lib/dashboard': {
    layers: ['lib/core', 'lib/contract', 'lib/control', 'lib/client', 'lib/sim', 'lib/cli'],
    packages: /^(preact|esbuild|zod)/,
  },
  lambdas: {
    layers: ['lib/core', 'lib/contract', 'lib/control', 'lib/aws'],
    packages: /^(@aws-lambda-powertools|aws-lambda|zod)/,
  },
};

const layerOf = (file: string): string =>
  file.startsWith('lib/') ? file.split('/').slice(0, 2).join('/') : file.split('/')[0]!;

interface Import {
  readonly file: string;
  readonly from: string;
}

const importsOf = (file: string): Import[] => {
  const text = readFileSync(join(root, file), 'utf8');
  const found = text.matchAll(
    /(?:^(?:import|export|\}).* from |^import )'([^'\n]+)'|import\('([^'\n]+)'\)/gm,
  );
  return [...found].map((match) => ({ file, from: (match[1] ?? match[2])! }));
};

function breaks({ file, from }: Import): boolean {
  const layer = layerOf(file);
  const rule = may[layer];
  if (rule === undefined || from.startsWith('node:'))
    return layer === 'lib/core' && rule !== undefined;
  if (!from.startsWith('.')) return !rule.packages.test(from);
  const target = relative(root, resolve(root, dirname(file), from));
  if (target === 'package.json') return false;
  return layerOf(target) !== layer && !rule.layers.includes(layerOf(target));
}

describe('the import rule', () => {
  test('arrows point toward core', () => {
    const broken = product.flatMap(importsOf).filter(breaks);
    expect(broken).toEqual([]);
  });

  test('every layer of lib has a rule', () => {
    const layers = new Set(product.map(layerOf).filter((layer) => layer !== 'bin'));
    expect([...layers].filter((layer) => may[layer] === undefined)).toEqual([]);
  });

  test('no handler imports another', () => {
    const between = product
      .filter((file) => file.startsWith('lambdas/'))
      .flatMap(importsOf)
      .filter(({ from }) => from.startsWith('./'));
    expect(between).toEqual([]);
  });
});

describe('style', () => {
  const read = (file: string) => readFileSync(join(root, file), 'utf8');

  test('core reads no clock, no chance and no environment', () => {
    const reading = /Date\.now|new Date\(\)|Math\.random|process\.|performance\./;
    expect(filesBelow('lib/core').filter((file) => reading.test(read(file)))).toEqual([]);
  });

  test('control reads no clock, no chance and no environment', () => {
    const reading = /Date\.now|new Date\(\)|Math\.random|process\.|performance\.|setTimeout/;
    expect(filesBelow('lib/control').filter((file) => reading.test(read(file)))).toEqual([]);
  });

  test('a handler wires in at most 30 lines', () => {
    const long = filesBelow('lambdas').filter(
      (file) => read(file).trimEnd().split('\n').length > 30,
    );
    expect(long).toEqual([]);
  });

  test('a file is at most 400 lines', () => {
    const long = product.filter((file) => read(file).split('\n').length > 400);
    expect(long).toEqual([]);
  });

  test('no unfinished words', () => {
    const words = /\b(TODO|FIXME|HACK|XXX)\b|not implemented/;
    expect(product.filter((file) => words.test(read(file)))).toEqual([]);
  });
});

describe('tests that share a worker', () => {
  const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

  test('hooks outside of test files are part of a test or a describe', () => {
    const shared = filesBelow('test').filter((file) => !file.endsWith('.test.ts'));
    const hook = /^(?:before|after)(?:Each|All)\(/m; // of a module: for the first file that imports it
    expect(shared.filter((file) => hook.test(textOf(file)))).toEqual([]);
  });

  test('a mock of an SDK class is restored', () => {
    const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
    const left = filesBelow('test').filter((file) => {
      const text = textOf(file);
      return count(text, /= mockClient\(/g) > count(text, /\.restore\(\)/g);
    });
    expect(left).toEqual([]);
  });
});
