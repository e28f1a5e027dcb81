import { createServer } from 'node:net';
import { shortHash } from './identity.ts';
import { LocalCloudRefusal } from './refusal.ts';

const bindable = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });

/** So many addresses are tried before giving up: all in use means that loopback has only 127.0.0.1 here. */
const triesMax = 50;

/**
 * A loopback address of its own for an instance (127.16.0.1 to 127.254.254.254), on which `port` is free: one fixed
 * port then serves for all instances. Derived from `seed`, so that two local clouds seldom meet.
 */
export async function takeAddress(
  seed: string,
  port: number,
  taken: ReadonlySet<string>,
): Promise<string> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const hash = Buffer.from(shortHash(`${seed} ${tries}`, 6), 'hex');
    const [a = 0, b = 0, c = 0] = hash;
    const address = `127.${16 + (a % 239)}.${b % 255}.${1 + (c % 254)}`;
    if (!taken.has(address) && (await bindable(address, port))) return address;
  }
  throw new LocalCloudRefusal(
    'component-failed',
    `No loopback address besides 127.0.0.1 can be bound on port ${port}; on this platform add aliases to the loopback interface.`,
  );
}
