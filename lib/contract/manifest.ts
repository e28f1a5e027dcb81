import * as z from 'zod/mini';
import { FileChunk } from './records.ts';

const Manifest = z.object({ chunks: z.array(FileChunk) });

/** The bytes of a metadata chunk that names the chunks of a file, or a piece of them, in its order. */
export const encodeManifest = (chunks: readonly FileChunk[]): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ chunks }));

/** @throws on bytes that {@link encodeManifest} did not make */
export const parseManifest = (bytes: Uint8Array): readonly FileChunk[] =>
  Manifest.parse(JSON.parse(new TextDecoder().decode(bytes))).chunks;
