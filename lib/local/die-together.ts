import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Ends `child` when this process dies, even by kill -9: a shell holds the other end of a pipe and reads its
 * end. For programs that cannot watch their parent themselves.
 */
export function stopTogether(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watcher = spawn('sh', ['-c', `read _; kill -9 ${child.pid}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true, // outside our process group: Ctrl-C must not end it before its charge
  });
  watcher.on('error', () => {}); // no shell: the pid on record still lets the next start find the child
  watcher.stdin?.on('error', () => {});
  watcher.unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}
