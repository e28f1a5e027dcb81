import { spawn } from 'node:child_process';
import { withDeployment } from './connect.ts';
import type { Context, Page } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { untilInterrupted } from './until-interrupted.ts';

export interface DashboardOptions {
  /** 0 takes any that is free. */
  readonly port: number;
  readonly open: boolean;
}

/** Serves the page until Ctrl-C; its address, with the key to it, goes to standard output. */
export const runDashboard = (context: Context, { port, open }: DashboardOptions): Promise<number> =>
  withDeployment(context, async (ports, settings) => {
    const { io, world } = context;
    const fleet = settings.BALLAST_FLEET;
    const page = await world.servePage({ context, ports, fleet, port });
    try {
      announce(context, page);
      if (open && io.isTerminal) openBrowser(context, page.url);
      await untilInterrupted(io.interrupted);
    } finally {
      await page.close();
    }
    return exitCodes.ok;
  });

function announce({ globals, io }: Context, { url, port }: Page): void {
  if (globals.json) io.out(`${JSON.stringify({ url, port, pid: process.pid }, null, 2)}\n`);
  else {
    io.out(`${url}\n`);
    io.err('The page is served there; Ctrl-C ends it.\n');
  }
}

const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

function openBrowser({ io }: Context, url: string): void {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { detached: true, stdio: 'ignore' });
  child.on('error', () => io.err('No browser could be started: open the address yourself.\n'));
  child.unref();
}
