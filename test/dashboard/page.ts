import { onTestFinished } from 'vitest';
import type { Context, Io, Page, World } from '../../lib/cli/context.ts';
import type { Ports } from '../../lib/control/ports.ts';
import { servePage } from '../../lib/dashboard/serve-page.ts';
import { deploymentSettings } from '../support/settings.ts';

const never = async (): Promise<never> => {
  throw new Error('a page opens no store and starts nothing');
};

/** The page over given ports, on a free port, until the test is over. */
export async function openPage(ports: Ports, port = 0): Promise<Page & { readonly key: string }> {
  const io = {
    env: { BALLAST_SETTINGS: deploymentSettings },
    now: () => ports.now(),
    interrupted: new AbortController().signal,
    confirm: never,
    out: () => {},
    err: () => {},
  } as unknown as Io;
  const world = { openStore: never, startCloud: never, servePage: never } as unknown as World;
  const context: Context = { globals: { home: '.none' }, io, world };
  const page = await servePage({ context, ports, fleet: 'test', port });
  onTestFinished(() => page.close());
  return { ...page, key: page.url.split('#key=')[1]! };
}
