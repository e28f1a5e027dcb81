import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context, Page, PageStart } from '../cli/context.ts';
import { UserError } from '../cli/user-error.ts';
import { pageAssets } from './assets.ts';
import { LiveReader, type Pause } from './live-reader.ts';
import { answerTo } from './requests.ts';

/** Loopback only: nobody from outside gets as far as the key. */
const host = '127.0.0.1';
const keyBytes = 32;

/** Serves the page until it is closed. @throws UserError when the port is taken */
export async function servePage({ context, ports, fleet, port }: PageStart): Promise<Page> {
  const key = randomBytes(keyBytes).toString('base64url');
  const reader = new LiveReader(ports, fleet, pause);
  const assets = await pageAssets();
  const server = createServer();
  await listen(server, port);
  const { port: bound } = server.address() as AddressInfo;
  const site = { gate: { port: bound, key }, assets, reader, context: quietly(context, ports) };
  server.on('request', (request, response) => void answerTo(site, request, response));
  return {
    url: `http://${host}:${bound}/#key=${key}`,
    port: bound,
    close: async () => {
      reader.close();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const pause: Pause = (ms, signal) => delay(ms, undefined, { signal }).catch(() => {});

/** The command line's context for verbs: over the store that is open, with nobody at the terminal to ask. */
const quietly = (context: Context, ports: PageStart['ports']): Context => ({
  ...context,
  io: { ...context.io, confirm: async () => undefined },
  world: { ...context.world, openStore: async () => ({ ports, close: () => {} }) },
});

async function listen(server: Server, port: number): Promise<void> {
  const listening = once(server, 'listening');
  server.listen(port, host);
  try {
    await listening;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new UserError(`Port ${port} is in use: name another with --port, or 0 for any.`);
    }
    if (code === 'EACCES') throw new UserError(`Port ${port} may not be used by this user.`);
    throw error;
  }
}
