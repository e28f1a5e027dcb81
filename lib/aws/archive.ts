import { setTimeout as pause } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Archive } from '../control/ports.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { persistHarmless, type Wait } from './persist.ts';

export const s3Archive = ({ bucket }: Settings): Archive =>
  new S3Archive(new S3Client(sentOnce(5_000)), bucket);

/**
 * The bucket's own default encrypts with the fleet's key. To ask for `aws:kms` here and name no key
 * would take the account's S3 key in its place. @throws TryLater
 */
export class S3Archive implements Archive {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #wait: Wait;

  constructor(client: S3Client, bucket: string, wait: Wait = pause) {
    this.#client = client;
    this.#bucket = bucket;
    this.#wait = wait;
  }

  async put(key: string, body: string): Promise<void> {
    const input = {
      Bucket: this.#bucket,
      Key: key,
      Body: body,
      ContentType: 'application/json',
    };
    await persistHarmless(() => this.#client.send(new PutObjectCommand(input)), this.#wait);
  }
}
