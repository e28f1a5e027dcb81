import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { z } from 'zod/mini';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { parseInput } from './parse-input.ts';
import { AwsError } from './refusal.ts';
import { type Backend, jsonService } from './wire.ts';

export interface SecretSettings {
  readonly arn: string;
  readonly name: string;
  readonly fixed: string | undefined;
  readonly generate: GenerateSecret | undefined;
}

export const GenerateSecret = z.object({
  PasswordLength: z.optional(z.coerce.number()),
  ExcludeCharacters: z.optional(z.string()),
  ExcludePunctuation: z.optional(z.boolean()),
  SecretStringTemplate: z.optional(z.string()),
  GenerateStringKey: z.optional(z.string()),
});
export type GenerateSecret = z.infer<typeof GenerateSecret>;

interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly value: string;
  readonly version: string;
  readonly created: number;
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const punctuation = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

function generated(wanted: GenerateSecret): string {
  const all = wanted.ExcludePunctuation ? letters : letters + punctuation;
  const alphabet = [...all].filter((one) => !wanted.ExcludeCharacters?.includes(one));
  const text = Array.from(
    { length: wanted.PasswordLength ?? 32 },
    () => alphabet[randomInt(alphabet.length)],
  ).join('');
  if (wanted.GenerateStringKey === undefined) return text;
  const template = JSON.parse(wanted.SecretStringTemplate ?? '{}') as Record<string, unknown>;
  return JSON.stringify({ ...template, [wanted.GenerateStringKey]: text });
}

/** Secrets of the template: generated once, then kept in a file that only its owner may read. */
export class Secrets {
  readonly #path: string;
  readonly #secrets = new Map<string, Secret>();

  constructor(path: string) {
    this.#path = path;
    for (const secret of (readJsonFile(path) as Secret[] | undefined) ?? [])
      this.#secrets.set(secret.name, secret);
  }

  put({ arn, name, fixed, generate }: SecretSettings): void {
    const known = this.#secrets.get(name);
    if (known && (fixed === undefined || known.value === fixed)) return;
    const value = fixed ?? generated(generate ?? {});
    const version = randomBytes(16).toString('hex');
    this.#secrets.set(name, { arn, name, value, version, created: Date.now() });
    writeJsonFile(this.#path, [...this.#secrets.values()]);
    chmodSync(this.#path, 0o600);
  }

  /** By name or ARN. Throws ResourceNotFoundException. */
  get(id: string): Secret {
    const secret = [...this.#secrets.values()].find(({ name, arn }) => name === id || arn === id);
    if (secret) return secret;
    throw new AwsError(
      'ResourceNotFoundException',
      "Secrets Manager can't find the specified secret.",
    );
  }
}

const OneSecret = z.object({ SecretId: z.string() });

export const secretsBackend = (secrets: Secrets): Backend =>
  jsonService({
    GetSecretValue: (input) => {
      const { arn, name, value, version, created } = secrets.get(
        parseInput(OneSecret, input).SecretId,
      );
      const stages = { VersionId: version, VersionStages: ['AWSCURRENT'] };
      return { ARN: arn, Name: name, SecretString: value, CreatedDate: created / 1000, ...stages };
    },
  });
