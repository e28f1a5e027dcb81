import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process by its id and when it began: an id alone may since belong to another. */
export interface Known {
  readonly pid: number;
  readonly began: string;
  readonly command: string;
}

interface Seen extends Known {
  readonly parent: number;
}

/** This process and everything below it, as Linux has it now. */
export function familyOf(pid: number): readonly Known[] {
  const all = everyProcess();
  const family = all.filter((each) => each.pid === pid);
  for (const member of family) family.push(...all.filter(({ parent }) => parent === member.pid));
  return family;
}

/** Processes whose command line or environment names this directory. */
export const processesNaming = (directory: string): readonly string[] =>
  everyProcess()
    .filter(
      ({ pid }) =>
        pid !== process.pid && (read(pid, 'cmdline') + read(pid, 'environ')).includes(directory),
    )
    .map(({ pid, command }) => `${pid} ${command}`);

/** Those still there after `seconds` at most. */
export async function stillThere(family: readonly Known[], seconds = 5): Promise<readonly Known[]> {
  const end = Date.now() + seconds * 1_000;
  for (;;) {
    const now = new Map(everyProcess().map((each) => [each.pid, each.began]));
    const left = family.filter(({ pid, began }) => now.get(pid) === began);
    if (left.length === 0 || Date.now() > end) return left;
    await delay(50);
  }
}

const everyProcess = (): Seen[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => seen(Number(name)) ?? []);

/** Fields after the name in parentheses; a zombie counts as gone. */
function seen(pid: number): Seen | undefined {
  const stat = read(pid, 'stat');
  const [state, parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || state === 'Z') return undefined;
  const command = read(pid, 'cmdline').replaceAll('\0', ' ');
  return { pid, parent: Number(parent), began: rest[17]!, command };
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it ended meanwhile
  }
}
