import type { Browser, Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import type { Page } from '../../lib/cli/context.ts';
import { readJob } from '../../lib/control/jobs.ts';
import { putFiles } from '../control/acts.ts';
import { moving } from '../control/moving.ts';
import { pairs, World } from '../control/world.ts';
import { browserPath, launchBrowser, noBrowser } from './browser.ts';
import { openPage } from './page.ts';

let browser: Browser;
beforeAll(async () => {
  if (browserPath !== undefined) browser = await launchBrowser();
});
afterAll(() => browser?.close());
beforeEach(({ skip }) => skip(browserPath === undefined, noBrowser));

interface Looking {
  readonly tab: Tab;
  /** What the browser complained of: errors of scripts, and what the security policy stopped. */
  readonly complaints: string[];
  /** Origins that it asked. */
  readonly asked: Set<string>;
}

async function look(page: Page, width = 1280): Promise<Looking> {
  const tab = await browser.newPage({ viewport: { width, height: 800 } });
  onTestFinished(() => tab.close());
  const [complaints, asked] = [[] as string[], new Set<string>()];
  tab.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  tab.on('pageerror', (error) => complaints.push(error.message));
  tab.on('request', (request) => asked.add(new URL(request.url()).origin));
  await tab.goto(page.url);
  await tab.getByText('nothing is blocked, silent or full').waitFor();
  return { tab, complaints, asked };
}

describe('the page in a browser', () => {
  test('shows health first, every node in its zone, and quiet empty states', async () => {
    const page = await openPage(new World({ nodes: pairs }).ports);
    const { tab, complaints, asked } = await look(page);
    expect(await tab.locator('.health').innerText()).toMatch(/^Healthy\s+6 of 6 nodes active/);
    const zones = await tab.locator('.zone').allInnerTexts();
    expect(zones.map((text) => text.match(/^[abc]\d$/gm))).toEqual([
      ['a1', 'a2'],
      ['b1', 'b2'],
      ['c1', 'c2'],
    ]);
    for (const empty of ['No jobs run.', 'Nothing moves.', 'No decision yet.']) {
      expect(await tab.getByText(empty).isVisible()).toBe(true);
    }
    expect([complaints, [...asked]]).toEqual([[], [new URL(page.url).origin]]);
  });

  test('takes the key off the address, and a reload still has it', async () => {
    const { tab } = await look(await openPage(new World().ports));
    expect(tab.url()).not.toContain('key');
    await tab.reload();
    await tab.getByText('nothing is blocked').waitFor();
  });

  test('shows nothing to one who lacks the key', async () => {
    const page = await openPage(new World().ports);
    const tab = await browser.newPage();
    onTestFinished(() => tab.close());
    await tab.goto(page.url.split('#')[0]!);
    await tab.getByText('This page needs its key').waitFor();
    expect(await tab.locator('main').count()).toBe(0);
  });

  test('drains by keyboard alone: the plan first, then the job, live', async () => {
    const world = new World({ nodes: pairs });
    await putFiles(world, 12);
    world.pass(1_000);
    const leaving = world.node('a1').used > 0 ? 'a1' : 'a2';
    const { used, chunks } = world.node(leaving);
    const { tab, complaints } = await look(await openPage(world.ports));
    await tab.locator(`[data-node=${leaving}]`).focus();
    await tab.keyboard.press('Enter');
    await tab.getByRole('button', { name: 'Drain …' }).focus();
    await tab.keyboard.press('Enter');
    const act = tab.getByRole('button', { name: `Drain: move ${used} B, then terminate` });
    await act.waitFor();
    expect(await tab.locator('.sums').innerText()).toContain(`${chunks.length} slot`);
    const changed = await tab.locator('.before-after tr:not(.same)').allInnerTexts();
    expect(changed.toSorted().map((row) => row.replace(/\s+/g, ' '))).toEqual(
      ['a1', 'a2'].map((node) =>
        node === leaving
          ? expect.stringMatching(`^${node} a .*→ leaves −${used} B`)
          : expect.stringMatching(`^${node} a .*→ .*% \\+${used} B`),
      ),
    );
    expect(world.started).toEqual([]);
    await act.focus();
    await tab.keyboard.press('Enter');
    await tab.locator('.job').getByText(leaving).waitFor();
    expect(world.started.map(([workflow]) => workflow)).toEqual(['drain']);
    expect(await tab.locator('dialog').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test('says why not, each thing in the way on a line, and offers no way round', async () => {
    const { tab } = await look(await openPage(new World().ports));
    await tab.locator('[data-node=a1]').click();
    await tab.getByRole('button', { name: 'Drain …' }).click();
    const refusal = tab.getByRole('alert');
    await refusal.waitFor();
    expect(await refusal.innerText()).toContain('no active node would stay in zone a without a1');
    expect(await tab.getByRole('button', { name: 'Drain', exact: true }).isDisabled()).toBe(true);
    await tab.keyboard.press('Escape');
    await tab.locator('dialog').waitFor({ state: 'detached' });
  });

  test('pauses a job at its card, says so, and resumes it', async () => {
    const { world, job } = await moving();
    const { tab, complaints } = await look(await openPage(world.ports));
    const card = tab.locator('.job');
    await card.getByRole('button', { name: 'Pause' }).click();
    await tab.getByRole('button', { name: 'Pause the job' }).click();
    await card.getByText('the job is paused').waitFor();
    expect(await card.locator('.chip').innerText()).toBe('paused');
    expect((await readJob(world.ports.tables, job))?.paused).toBe(true);
    await card.getByRole('button', { name: 'Resume' }).click();
    await tab.getByRole('button', { name: 'Resume the job' }).click();
    await card.locator('.chip').waitFor({ state: 'detached' });
    expect(world.messages).not.toEqual([]);
    expect(complaints).toEqual([]);
  });

  test('a deadline that is too near is refused, with what would have to give', async () => {
    const world = new World({ nodes: pairs });
    await putFiles(world, 12);
    world.pass(new Date(2030, 0, 1, 11, 59, 59, 999).getTime() - world.nowMs);
    const { tab } = await look(await openPage(world.ports));
    await tab.locator('[data-node=a1]').click();
    await tab.getByRole('button', { name: 'Drain …' }).click();
    await tab.getByText('nine times in ten').waitFor();
    await tab.getByLabel('Empty by').fill('2030-01-01T12:00');
    const refusal = tab.getByRole('alert');
    await refusal.waitFor();
    expect(await refusal.innerText()).toMatch(
      /the deadline is in .*What would let it happen:.*--deadline/s,
    );
    expect(await tab.getByRole('button', { name: 'Drain', exact: true }).isDisabled()).toBe(true);
    await tab.getByLabel('Empty by').fill('2030-01-02T12:00');
    const act = tab.getByRole('button', { name: 'Drain: move' });
    await act.click();
    await tab.locator('.job .due').getByText('deadline 2 Jan 12:00').waitFor();
  });

  test('fits a phone without scrolling sideways', async () => {
    const { tab } = await look(await openPage(new World({ nodes: pairs }).ports), 360);
    expect(await tab.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  });

  test('says that the server is gone, and comes back by itself', async () => {
    const world = new World();
    const page = await openPage(world.ports);
    const { tab } = await look(page);
    world.beforeQuery = () => {
      throw new Error('the table sleeps');
    };
    await tab.getByText('The table sleeps.').waitFor();
    expect(await tab.locator('.tank').count()).toBe(3);
    world.beforeQuery = () => {};
    await tab.getByText('nothing is blocked').waitFor();
    await page.close();
    await tab.locator('.health').getByText('Link lost').waitFor();
  });
});
