import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  AssetHashType,
  type AssetOptions as CoreAssetOptions,
  DockerImage,
  type ILocalBundling,
} from 'aws-cdk-lib';
import { type BuildOptions, buildSync } from 'esbuild';
import { hashOf, root } from './sources.ts';

export interface BundleProps {
  /** Mains by the name of their file in the bundle, `<name>.mjs`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Patterns of what may end in the bundle. */
  readonly sources: readonly string[];
}

/** ESM has no `require`; packages that were CommonJS still call it for Node's own modules. */
const banner = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);";

const settings = {
  absWorkingDir: root,
  outdir: 'bundle',
  outExtension: { '.js': '.mjs' },
  write: false,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  mainFields: ['module', 'main'],
  minify: true,
  // Stack traces show the function that people wrote.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  banner: { js: banner },
  logLevel: 'warning',
} as const satisfies BuildOptions;

/**
 * What an asset of some mains needs to be told: each is a module `<name>.mjs` of it, and what several of them need
 * is in modules beside, with source maps. Minifying the same SDK for each of fifteen mains took most of a synth.
 * Nothing is bundled while the asset is already in the output directory.
 */
export function bundled({
  entries,
  sources,
}: BundleProps): CoreAssetOptions & { readonly assetHashType: AssetHashType } {
  return {
    assetHash: hashOf(sources, `${JSON.stringify(settings)} ${JSON.stringify(entries)}`),
    assetHashType: AssetHashType.CUSTOM,
    // The image is never run: the local bundler succeeds or throws.
    bundling: { image: DockerImage.fromRegistry('scratch'), local: bundlerOf(entries) },
  };
}

const bundlerOf = (entries: BundleProps['entries']): ILocalBundling => ({
  tryBundle: (directory) => {
    mkdirSync(directory, { recursive: true });
    const entryPoints = Object.entries(entries).map(([out, path]) => ({ in: path, out }));
    for (const { path, contents } of buildSync({ ...settings, entryPoints }).outputFiles)
      writeFileSync(join(directory, basename(path)), contents);
    return true;
  },
});
