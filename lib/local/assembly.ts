import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod/mini';
import { LocalCloudRefusal } from './refusal.ts';

const Resource = z.object({
  Type: z.string(),
  Properties: z.optional(z.record(z.string(), z.unknown())),
  Condition: z.optional(z.string()),
});
export type Resource = z.infer<typeof Resource>;

const Template = z.object({
  Resources: z.record(z.string(), Resource),
  Parameters: z.optional(
    z.record(z.string(), z.object({ Type: z.string(), Default: z.optional(z.unknown()) })),
  ),
  Conditions: z.optional(z.record(z.string(), z.unknown())),
  Mappings: z.optional(
    z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))),
  ),
  Outputs: z.optional(
    z.record(
      z.string(),
      z.object({
        Value: z.unknown(),
        Condition: z.optional(z.string()),
        Export: z.optional(z.object({ Name: z.unknown() })),
      }),
    ),
  ),
});
export type Template = z.infer<typeof Template>;

const AssetManifest = z.object({
  files: z.optional(
    z.record(
      z.string(),
      z.object({
        source: z.object({ path: z.optional(z.string()) }),
        destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
      }),
    ),
  ),
});

const CloudManifest = z.object({
  artifacts: z.record(
    z.string(),
    z.object({
      type: z.string(),
      displayName: z.optional(z.string()),
      properties: z.optional(
        z.object({ templateFile: z.optional(z.string()), stackName: z.optional(z.string()) }),
      ),
    }),
  ),
});

export interface Stack {
  readonly name: string;
  readonly template: Template;
}

export interface Assembly {
  readonly stacks: readonly Stack[];
  /** Where the asset with this object key lies (a directory, or a file): `undefined` if it has none. */
  asset(objectKey: string): string | undefined;
}

/** Reads a synthesised cloud assembly: its stacks by the manifest, or every template where there is none. */
export function readAssembly(directory: string): Assembly {
  if (!existsSync(directory))
    throw new LocalCloudRefusal(
      'bad-assembly',
      `There is no assembly at ${directory}; run synth first.`,
    );
  const stacks = templateFiles(directory).map(({ name, file }) => ({
    name,
    template: read(join(directory, file), Template),
  }));
  if (stacks.length === 0)
    throw new LocalCloudRefusal('bad-assembly', `${directory} holds no *.template.json.`);
  const assets = readAssets(directory);
  return { stacks, asset: (key) => assets.get(key) };
}

function templateFiles(directory: string): { name: string; file: string }[] {
  const manifest = join(directory, 'manifest.json');
  if (existsSync(manifest))
    return Object.entries(read(manifest, CloudManifest).artifacts)
      .filter(([, { type }]) => type === 'aws:cloudformation:stack')
      .map(([id, { properties }]) => ({
        name: properties?.stackName ?? id,
        file: properties?.templateFile ?? `${id}.template.json`,
      }));
  return readdirSync(directory)
    .filter((file) => file.endsWith('.template.json'))
    .sort()
    .map((file) => ({ name: file.slice(0, -'.template.json'.length), file }));
}

function readAssets(directory: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.assets.json')))
    for (const { source, destinations } of Object.values(
      read(join(directory, file), AssetManifest).files ?? {},
    ))
      for (const { objectKey } of Object.values(destinations))
        if (source.path !== undefined) found.set(objectKey, join(directory, source.path));
  return found;
}

function read<Shape extends z.core.$ZodType>(path: string, shape: Shape): z.output<Shape> {
  const text = readFileSync(path, 'utf8');
  try {
    return z.parse(shape, JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LocalCloudRefusal('bad-assembly', `${path} cannot be read: ${why}`, { cause });
  }
}
