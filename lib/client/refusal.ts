/** The user asked for what cannot be, in one sentence; nothing was stored or written for it. */
export class ClientRefusal extends Error {
  override readonly name = 'ClientRefusal';
}

/** One file that could not be stored, fetched or verified while the others went on. */
export interface FileProblem {
  readonly path: string;
  /** The end of a sentence that begins with the path. */
  readonly problem: string;
}

/** Thrown for a single file: the rest of its group goes on. */
export class FileFailed extends Error {
  override readonly name = 'FileFailed';
}

/** What a refused system call means, in words that end a sentence. */
export function inWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'is not there';
    case 'EACCES':
    case 'EPERM':
      return 'may not be accessed (permission denied)';
    case 'ENOTDIR':
      return 'has a file where a directory is needed';
    case 'EISDIR':
      return 'is a directory where a file is needed';
    case 'ENOSPC':
      return 'found no space left on the disk';
    case 'EROFS':
      return 'is on a read-only disk';
    case 'ENAMETOOLONG':
      return 'has a name that is too long for this file system';
    default:
      return `failed: ${message}`;
  }
}
