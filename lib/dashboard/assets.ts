import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** A file of the page, in memory. */
export interface Asset {
  readonly type: string;
  readonly body: string | Uint8Array;
}

const source = join(import.meta.dirname, 'page');

/** The page's files by path: its source is bundled anew at each start, so it is never older than the server. */
export async function pageAssets(): Promise<ReadonlyMap<string, Asset>> {
  const [html, icon] = await Promise.all(
    ['index.html', 'icon.svg'].map((name) => readFile(join(source, name))),
  );
  const built = buildSync({
    entryPoints: [join(source, 'page.tsx'), join(source, 'page.css')],
    outdir: source,
    write: false,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    tsconfigRaw: {},
    logLevel: 'silent',
  }).outputFiles;
  const made = (extension: string) => built.find(({ path }) => path.endsWith(extension))!.contents;
  return new Map<string, Asset>([
    ['/', { type: 'text/html; charset=utf-8', body: html! }],
    ['/icon.svg', { type: 'image/svg+xml', body: icon! }],
    ['/page.js', { type: 'text/javascript; charset=utf-8', body: made('.js') }],
    ['/page.css', { type: 'text/css; charset=utf-8', body: made('.css') }],
  ]);
}
