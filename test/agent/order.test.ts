import { spawnSync } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { put, removals } from './agent-calls.ts';
import { startProcess } from './agent-process.ts';
import { randomArrival } from './arrivals.ts';
import { fakeCloud } from './fake-cloud.ts';
import { atEnd, temporaryDirectory } from './started-agent.ts';

const tracer = spawnSync('strace', ['-V']).status === 0;
const calls =
  'trace=openat,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,write,writev,pwrite64,pwritev,sendto,sendmsg';

/** kill -9 cannot show a missing fsync: the page cache survives it. The system calls can. */
test.skipIf(!tracer)(
  'a receipt follows fsync, journal, rename and the fsync of the directory (needs strace)',
  async () => {
    const cloud = await fakeCloud();
    atEnd(() => cloud.close());
    const root = await temporaryDirectory();
    const directory = `${root}/data`;
    await mkdir(directory);
    const trace = `${root}/trace`;
    const wrapper = ['strace', '-D', '-f', '-y', '-s', '200', '-e', calls, '-o', trace];
    const agent = await startProcess({ cloud, node: 'n1', directory, wrapper });
    atEnd(async () => agent.child.kill('SIGKILL'));
    const { chunk, ...rest } = randomArrival(20_000);
    await put(agent, { chunk, ...rest });
    await removals(agent, { removals: [{ chunk, version: 1 }] });
    agent.child.kill('SIGTERM');
    await agent.ended;
    // The tracer ends a moment after what it traces.
    const traced = () => readFile(trace, 'utf8');
    await expect.poll(traced).toMatch(/^\d+ +\+\+\+ exited with 0 \+\+\+$/m);
    const text = await traced();
    const folder = `${directory}/chunks/${chunk[0]}`;
    const temporary = `${directory}/tmp/`;
    const lines = completed(text.split('\n'));
    const steps: [step: string, is: (line: string) => boolean][] = [
      ['the bytes', (line) => /\b(p?writev?(64)?)\(/.test(line) && line.includes(temporary)],
      ['sync of the file', (line) => /\bfsync\(/.test(line) && line.includes(temporary)],
      [
        'journal record of the put',
        (line) =>
          /\bpwrite64\(/.test(line) && line.includes('/journal>') && line.includes('[\\"p\\"'),
      ],
      ['sync of the journal', (line) => /\bfdatasync\(/.test(line) && line.includes('/journal>')],
      ['rename', (line) => /\brename/.test(line) && line.includes(`"${folder}/${chunk}"`)],
      ['sync of the directory', (line) => /\bfsync\(/.test(line) && line.includes(`<${folder}>`)],
      ['receipt', (line) => /201 Created/.test(line)],
      [
        'journal record of the delete',
        (line) => /\bpwrite64\(/.test(line) && line.includes('[\\"d\\"'),
      ],
      [
        'sync of the journal again',
        (line) => /\bfdatasync\(/.test(line) && line.includes('/journal>'),
      ],
      ['unlink', (line) => /\bunlink/.test(line) && line.includes(`${folder}/${chunk}`)],
      [
        'sync of the directory again',
        (line) => /\bfsync\(/.test(line) && line.includes(`<${folder}>`),
      ],
      ['answer', (line) => /200 OK/.test(line) && line.includes('json')],
    ];
    let at = lines.findIndex((line) => line.includes(temporary));
    const found: string[] = [];
    for (const [step, is] of steps) {
      at = lines.findIndex((line, i) => i > at - 1 && is(line));
      if (at < 0) break;
      found.push(step);
      at += 1;
    }
    expect(found).toEqual(steps.map(([step]) => step));
  },
  60_000,
);

/** A call counts from when it has come back: its end takes the text of its beginning. */
function completed(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const thread = line.split(' ', 1)[0]!;
    if (line.endsWith('<unfinished ...>')) {
      begun.set(thread, line);
      return [];
    }
    if (!line.includes(' resumed>')) return [line];
    const whole = `${begun.get(thread) ?? ''} ${line}`;
    begun.delete(thread);
    return [whole];
  });
}
