import { isUtf8 } from 'node:buffer';
import { pathBytesMax } from './limits.ts';
import { ClientRefusal } from './refusal.ts';

/**
 * A path in the store: names joined by `/`, none of them empty, `.` or `..`, no newline, at most 1,024
 * bytes of UTF-8. It has no leading or trailing slash; the store's root is the empty string.
 */

/** What a user typed for a place in the store: slashes at the ends do not matter. @throws ClientRefusal */
export function parseStorePath(typed: string): string {
  const path = typed === '.' ? '' : typed.replace(/^\/+|\/+$/g, '');
  if (path === '') return '';
  const reason = whyNoPath(path);
  if (reason !== undefined) throw new ClientRefusal(`${show(typed)} ${reason}.`);
  return path;
}

/** A name as the file system gave it. @throws ClientRefusal */
export function parseName(raw: Buffer, directory: string): string {
  if (!isUtf8(raw)) {
    throw new ClientRefusal(
      `The name ${show(raw.toString('latin1'))} in ${show(directory)} is not valid UTF-8: rename it.`,
    );
  }
  const name = raw.toString('utf8');
  if (name.includes('\n')) {
    throw new ClientRefusal(
      `The name ${show(name)} in ${show(directory)} contains a newline: rename it.`,
    );
  }
  return name;
}

/** @throws ClientRefusal */
export function joinStorePath(directory: string, name: string): string {
  const path = directory === '' ? name : `${directory}/${name}`;
  const reason = whyNoPath(path);
  if (reason !== undefined) throw new ClientRefusal(`${show(path)} ${reason}.`);
  return path;
}

/** Why `path` can name no file of the store, or `undefined`. */
export function whyNoPath(path: string): string | undefined {
  const bytes = Buffer.byteLength(path);
  if (bytes > pathBytesMax) {
    return `is ${bytes} bytes long, more than the ${pathBytesMax} that a path in the store may have`;
  }
  if (path.includes('\n')) return 'contains a newline';
  if (path.includes('\0')) return 'contains a zero byte';
  const wrong = path.split('/').find((name) => name === '' || name === '.' || name === '..');
  return wrong === undefined ? undefined : `has ${show(wrong)} as one of its names`;
}

/** Whether `path` is `prefix` itself or below it. */
export const isWithin = (path: string, prefix: string): boolean =>
  prefix === '' || path === prefix || path.startsWith(`${prefix}/`);

/** What is left of `path` below `prefix`; of the prefix itself, its last name. */
export function below(path: string, prefix: string): string {
  if (path === prefix) return path.slice(path.lastIndexOf('/') + 1);
  return prefix === '' ? path : path.slice(prefix.length + 1);
}

/** Quoted, on one line, not longer than a terminal is wide: a message stays one sentence. */
export function show(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.length <= 120 ? quoted : `${quoted.slice(0, 60)}…${quoted.slice(-40)}`;
}
