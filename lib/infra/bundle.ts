import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  AssetHashType,
  type AssetOptions as CoreAssetOptions,
  DockerImage,
  type ILocalBundling,
} from 'aws-cdk-lib';
import { buildSync, type OutputFile } from 'esbuild';
import { hashOf, root } from './sources.ts';

export interface BundleProps {
  /** Mains that are bundled together; each gets an asset of its own. */
  readonly entries: readonly string[];
  /** Patterns of what may end in these bundles. */
  readonly sources: readonly string[];
}

/** ESM has no `require`; packages that were CommonJS still call it for Node's own modules. */
const banner = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);";

/**
 * Mains of one kind, each as one file `index.mjs` with its source map. One run of esbuild makes all of
 * them, because thirteen runs would read the same SDK thirteen times; none is run while every asset is
 * already in the output directory.
 */
export class Bundle {
  readonly #entries: readonly string[];
  readonly #fingerprint: string;
  #built: readonly OutputFile[] | undefined;

  constructor({ entries, sources }: BundleProps) {
    this.#entries = entries;
    this.#fingerprint = hashOf(sources, banner);
  }

  /** What an asset of one entry needs to be told. */
  assetOf(entry: string): CoreAssetOptions & { readonly assetHashType: AssetHashType } {
    return {
      assetHash: hashOf([], `${this.#fingerprint} ${entry}`),
      assetHashType: AssetHashType.CUSTOM,
      // The image is never run: the local bundler succeeds or throws.
      bundling: { image: DockerImage.fromRegistry('scratch'), local: this.#bundlerOf(entry) },
    };
  }

  #bundlerOf(entry: string): ILocalBundling {
    return {
      tryBundle: (directory) => {
        mkdirSync(directory, { recursive: true });
        this.#built ??= buildAll(this.#entries);
        const name = basename(entry, '.ts');
        for (const extension of ['.mjs', '.mjs.map']) {
          const file = this.#built.find(({ path }) => basename(path) === `${name}${extension}`);
          if (file === undefined)
            throw new Error(`esbuild made no ${name}${extension} of ${entry}`);
          writeFileSync(join(directory, `index${extension}`), renamed(file.text, name));
        }
        return true;
      },
    };
  }
}

const buildAll = (entries: readonly string[]): readonly OutputFile[] =>
  buildSync({
    absWorkingDir: root,
    entryPoints: [...entries],
    outdir: 'bundle',
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
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
  }).outputFiles;

/** The link to the source map follows the file's new name. */
const renamed = (text: string, name: string): string =>
  text.replace(`//# sourceMappingURL=${name}.mjs.map`, '//# sourceMappingURL=index.mjs.map');
