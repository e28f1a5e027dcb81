import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import type { Receipt } from '../contract/agent.ts';
import type { DiskHealth } from './disk-health.ts';
import { writeBytes } from './limits.ts';
import { temporaryFolder } from './paths.ts';
import { checksumOnDisk } from './read-back.ts';
import { Refusal } from './refusal.ts';
import type { Copy } from './shelves.ts';

export interface Arrival extends Copy {
  readonly chunk: string;
}

export interface IncomingSettings {
  readonly directory: string;
  readonly arrival: Arrival;
  readonly health: DiskHealth;
  /** Gives the synced temporary file its name, durably. */
  readonly publish: (temporary: string) => Promise<Receipt>;
  /** Gives the reserved room back. */
  readonly free: () => void;
}

const { O_CREAT, O_EXCL, O_WRONLY, O_NOFOLLOW } = constants;

/** One copy on its way to the disk: a temporary file of exactly the announced bytes. */
export class Incoming {
  readonly #settings: IncomingSettings;
  readonly #path: string;
  #file: FileHandle | undefined;
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #arrived = 0;
  #state: 'open' | 'published' | 'ended' = 'open';

  constructor(settings: IncomingSettings) {
    this.#settings = settings;
    this.#path = `${temporaryFolder(settings.directory)}/${randomUUID()}`;
  }

  /** Keeps `piece` until it is written: its bytes must not change. @throws Refusal */
  async write(piece: Uint8Array): Promise<void> {
    this.#gather(piece);
    if (this.#gatheredBytes >= writeBytes) await this.#flush();
  }

  /** `piece` is the caller's again when it answers. @throws Refusal */
  async writeThrough(piece: Uint8Array): Promise<void> {
    this.#gather(piece);
    await this.#flush();
  }

  /** All bytes are on the disk, under the temporary name. @throws Refusal 'checksum', 'full', 'disk' */
  async settle(): Promise<void> {
    const { arrival, health } = this.#settings;
    if (this.#arrived !== arrival.size)
      throw new Refusal('checksum', `${this.#arrived} bytes came, ${arrival.size} were announced`);
    await this.#flush();
    const file = await this.#opened();
    await health.syncing(() => file.sync());
    await this.#close();
  }

  /** Compares the checksum of what the disk gives back. @throws Refusal 'checksum', 'disk' */
  async readBack(): Promise<void> {
    const { arrival, health } = this.#settings;
    refuseOther(await health.writing(() => checksumOnDisk(this.#path)), arrival.sha256);
  }

  /** The copy is held, durably. @throws Refusal 'below-fence', 'full', 'disk' */
  async publish(): Promise<Receipt> {
    const receipt = await this.#settings.publish(this.#path);
    this.#state = 'published';
    return receipt;
  }

  /** Whatever became of it: no temporary file and no reserved room is left. */
  async end(): Promise<void> {
    if (this.#state === 'ended') return;
    const leftOver = this.#state === 'open';
    this.#state = 'ended';
    this.#gathered = [];
    try {
      await this.#close();
      // A name that is not there was never made, or has become the chunk's.
      if (leftOver) await unlink(this.#path).catch(() => {});
    } finally {
      this.#settings.free();
    }
  }

  #gather(piece: Uint8Array): void {
    this.#arrived += piece.length;
    const { size } = this.#settings.arrival;
    if (this.#arrived > size) throw new Refusal('checksum', `more than ${size} bytes came`);
    this.#gathered.push(piece);
    this.#gatheredBytes += piece.length;
  }

  async #flush(): Promise<void> {
    const pieces = this.#gathered;
    const length = this.#gatheredBytes;
    this.#gathered = [];
    this.#gatheredBytes = 0;
    const file = await this.#opened();
    if (length === 0) return;
    await this.#settings.health.writing(async () => {
      const { bytesWritten } = await file.writev(pieces);
      if (bytesWritten < length) throw new Refusal('full', 'the disk is full');
    });
  }

  async #opened(): Promise<FileHandle> {
    this.#file ??= await this.#settings.health.writing(() =>
      open(this.#path, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, 0o640),
    );
    return this.#file;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

export function refuseOther(found: string, expected: string): void {
  if (found !== expected)
    throw new Refusal('checksum', `the bytes have checksum ${found}, ${expected} was announced`);
}

/** Receives a whole body, comparing its checksum as it passes. @throws Refusal, what `body` throws */
export async function receiveBody(
  incoming: Incoming,
  body: AsyncIterable<Uint8Array>,
  sha256: string,
): Promise<Receipt> {
  const hash = createHash('sha256');
  for await (const piece of body) {
    hash.update(piece);
    await incoming.write(piece);
  }
  refuseOther(hash.digest('hex'), sha256);
  await incoming.settle();
  return incoming.publish();
}
