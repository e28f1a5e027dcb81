import { open } from 'node:fs/promises';

/** Layout of a data directory: `chunks/<first digit>/<id>`, `tmp/`, `journal`, `incarnation`, `suspect`, `scrub`. */
export const folders: readonly string[] = [...'0123456789abcdef'];

export const folderOf = (directory: string, chunk: string): string =>
  `${directory}/chunks/${chunk[0]}`;
export const chunkPath = (directory: string, chunk: string): string =>
  `${folderOf(directory, chunk)}/${chunk}`;
export const temporaryFolder = (directory: string): string => `${directory}/tmp`;
export const incarnationPath = (directory: string): string => `${directory}/incarnation`;
/** How far the scrub is. Without it the pass begins anew. */
export const scrubPath = (directory: string): string => `${directory}/scrub`;
/** There once a sync has failed on this disk: it takes no more writes, also after a restart. */
export const suspectPath = (directory: string): string => `${directory}/suspect`;

/** The names in a directory are durable. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
