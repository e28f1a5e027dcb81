import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser of this machine, if it has one. */
export const browserPath: string | undefined = places.find((path) => existsSync(path));

export const noBrowser = `no browser at ${places.join(', ')}: install chromium to run this`;

const quiet = ['no-first-run', 'disable-background-networking', 'disable-component-update'];
const bare = ['no-sandbox', 'disable-gpu', 'disable-quic', 'disable-sync'];

/** In a profile of its own that goes with it. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: browserPath!,
    args: [...quiet, ...bare].map((flag) => `--${flag}`),
  });
