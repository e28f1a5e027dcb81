/**
 * Preloaded into a command: it says a line on standard error once all of its signal handlers are there. Nothing
 * else of it is loaded at that moment, so a signal that follows is the earliest that can be heard.
 */
import { writeSync } from 'node:fs';

const lastToBeHeard = 'SIGTERM';

process.on('newListener', (event) => {
  if (event === lastToBeHeard) queueMicrotask(() => writeSync(process.stderr.fd, 'It listens.\n'));
});
