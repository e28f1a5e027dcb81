import { request } from 'node:http';
import { describe, expect, test } from 'vitest';
import { readOverview } from '../../lib/cli/look/overview.ts';
import { finish } from '../../lib/control/finish.ts';
import { readJob } from '../../lib/control/jobs.ts';
import { jobId } from '../../lib/core/ids.ts';
import { putFiles } from '../control/acts.ts';
import { moving, sent } from '../control/moving.ts';
import { pairs, World } from '../control/world.ts';
import { openPage } from './page.ts';

type OpenPage = Awaited<ReturnType<typeof openPage>>;

const origin = ({ port }: OpenPage) => `http://127.0.0.1:${port}`;

async function ask(page: OpenPage, verb: string, body: unknown) {
  const response = await fetch(`${origin(page)}/api/verbs/${verb}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${page.key}`, 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each verb answers a document of its own
  return { status: response.status, answer: (await response.json()) as any };
}

/** The name that a browser was told; `fetch` would not let a test say another. */
const statusByName = (page: OpenPage, host: string): Promise<number | undefined> =>
  new Promise((done, failed) => {
    const headers = { host, authorization: `Bearer ${page.key}` };
    const asked = request({ port: page.port, path: '/api/live', headers }, (response) => {
      done(response.statusCode);
      response.destroy();
    });
    asked.on('error', failed);
    asked.end();
  });

describe('the page', () => {
  test('is one document with its script and its style, all from here', async () => {
    const page = await openPage(new World().ports);
    const html = await (await fetch(origin(page))).text();
    expect(html).not.toMatch(/(src|href)="(?!\/)/);
    for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const response = await fetch(origin(page) + path);
      expect([path, response.status]).toEqual([path, 200]);
      expect(await response.text()).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
    }
    expect((await fetch(`${origin(page)}/other`)).status).toBe(404);
  });

  test('answers to its own name only, and to the key only', async () => {
    const page = await openPage(new World().ports);
    expect(await statusByName(page, `127.0.0.1:${page.port}`)).toBe(200);
    expect(await statusByName(page, `evil.example:${page.port}`)).toBe(421);
    expect((await fetch(`${origin(page)}/api/live`)).status).toBe(401);
  });

  test('tells its port when another has it', async () => {
    const { port } = await openPage(new World().ports);
    const second = openPage(new World().ports, port);
    await expect(second).rejects.toThrow(`Port ${port} is in use: name another with --port`);
    await expect(second).rejects.toMatchObject({ exitCode: 2 });
  });

  test('ends at once while pages follow it', async () => {
    const page = await openPage(new World().ports);
    const headers = { authorization: `Bearer ${page.key}` };
    const { body } = await fetch(`${origin(page)}/api/live`, { headers });
    await body!.getReader().read();
    await page.close();
    await expect(fetch(origin(page))).rejects.toThrow();
  });
});

describe('what a page follows', () => {
  test('is what status, nodes, jobs and moves say', async () => {
    const page = await openPage(new World({ nodes: pairs }).ports);
    const headers = { authorization: `Bearer ${page.key}` };
    const response = await fetch(`${origin(page)}/api/live`, { headers });
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (text.split('\n').length < 3) text += (await reader.read()).value;
    await reader.cancel();
    const [hello, reading] = text.split('\n').map((line) => line && JSON.parse(line));
    expect(hello).toEqual({ kind: 'hello', fleet: 'test', history: [] });
    expect(reading).toMatchObject({
      kind: 'reading',
      status: { health: { state: 'ok' }, nodes: 6, zones: [{ zone: 'a' }, {}, {}], jobs: [] },
      policy: { fillHigh: 0.8 },
      batches: [],
      ended: [],
    });
    expect(reading.nodes[0]).toMatchObject({ node: 'a1', zone: 'a', state: 'active', epoch: 3 });
  });
});

describe('verbs', () => {
  test('a drain is shown before it is done: fill before and after', async () => {
    const world = new World({ nodes: pairs });
    const page = await openPage(world.ports);
    const { status, answer } = await ask(page, 'preview-drain', { nodes: ['a1'] });
    expect(status).toBe(200);
    expect(answer.document).toMatchObject({ nodes: ['a1'], movesTotal: 0, blocks: [] });
    expect(answer.document.fill).toHaveLength(6);
    expect(world.started).toEqual([]);
  });

  test('a drain that may not happen is refused with each block', async () => {
    const world = new World({ nodes: pairs });
    const page = await openPage(world.ports);
    for (const verb of ['preview-drain', 'drain']) {
      const { status, answer } = await ask(page, verb, { nodes: ['a1', 'a2'] });
      expect(status).toBe(400);
      expect(answer.error).toMatch(/^Refused: no active node would stay in zone a/);
      expect(answer.blocks[0]).toEqual({ kind: 'last-node-of-zone', node: 'a1', zone: 'a' });
    }
    expect(world.started).toEqual([]);
  });

  test.each<[verb: string, body: object, workflow: string]>([
    ['drain', { nodes: ['a1'] }, 'drain'],
    ['scale-out', { count: 2 }, 'scale-out'],
  ])('%s starts a job and says its id', async (verb, body, workflow) => {
    const world = new World({ nodes: pairs });
    const page = await openPage(world.ports);
    const { answer } = await ask(page, verb, body);
    expect(world.started).toEqual([[workflow, answer.document.job]]);
    expect(answer.text).toMatch(/^Job \w+ runs/);
    const what = answer.document.job;
    const cancelled = await ask(page, 'cancel', { what });
    expect(cancelled.answer.text).toMatch(/is cancelled\.$/);
    const job = await readJob(world.ports.tables, jobId(answer.document.job));
    expect(job?.state).toBe('cancelled');
    expect((await ask(page, 'cancel', { what })).status).toBe(400);
  });

  test('a job is paused, resumed, cancelled and tried again', async () => {
    const { world, job } = await moving();
    const page = await openPage(world.ports);
    const shown = async () =>
      (await readOverview(world.ports)).status.jobs.map(({ id, paused, waitsFor }) => ({
        ...{ id, paused, waitsFor },
      }));
    expect((await ask(page, 'pause', { what: job })).answer.text).toMatch(/is paused/);
    expect(await shown()).toEqual([{ id: job, paused: true, waitsFor: ['the job is paused'] }]);
    expect(world.messages).toEqual([]);
    expect((await ask(page, 'retry', { job })).answer.error).toMatch(/runs: it plans again/);
    expect((await ask(page, 'resume', { what: job })).answer.text).toMatch(/goes on/);
    expect(await shown()).toEqual([{ id: job, paused: false, waitsFor: [] }]);
    expect(world.messages).not.toEqual([]);
    await ask(page, 'cancel', { what: job });
    expect((await ask(page, 'pause', { what: job })).answer.error).toMatch(/is cancelled already/);
    await finish(world.ports, { job, outcome: 'cancelled' });
    const { answer } = await ask(page, 'retry', { job });
    expect(answer.document.job).not.toBe(job);
    expect(world.started).toContainEqual(['drain', answer.document.job]);
  });

  test('a batch in flight is cancelled alone', async () => {
    const { world, job, message } = await sent();
    const page = await openPage(world.ports);
    const { answer } = await ask(page, 'cancel', { what: message.batch });
    expect(answer.document).toEqual({ cancelled: message.batch, job });
    expect((await readJob(world.ports.tables, job))?.state).toBe('running');
  });

  test('a drain is shown with its estimate, and with a deadline answered first', async () => {
    const world = new World({ nodes: pairs });
    await putFiles(world, 4);
    const page = await openPage(world.ports);
    const at = (ms: number) => new Date(world.nowMs + ms).toISOString();
    const asked = async (verb: string, ms: number) =>
      (await ask(page, verb, { nodes: ['a1'], deadline: at(ms) })).answer;
    const { document } = await asked('preview-drain', 24 * 3_600_000);
    expect(document).toMatchObject({ deadline: at(24 * 3_600_000), p50Ms: expect.any(Number) });
    expect(document.p90Ms).toBeGreaterThanOrEqual(document.p50Ms);
    const refused = await asked('drain', 1);
    expect(refused.blocks).toMatchObject([{ kind: 'too-late' }]);
    expect(refused.remedies.map(({ kind }: { kind: string }) => kind)).toContain('later-deadline');
    expect((await asked('drain', -1)).error).toMatch(/The deadline .+ has passed/);
    expect(world.started).toEqual([]);
    const begun = await asked('drain', 24 * 3_600_000);
    const job = await readJob(world.ports.tables, jobId(begun.document.job));
    expect(job?.deadline).toBe(world.nowMs + 24 * 3_600_000);
  });

  test('previews of the others move nothing', async () => {
    const world = new World({ nodes: pairs });
    const page = await openPage(world.ports);
    const asked = async (verb: string, body: object = {}) => (await ask(page, verb, body)).answer;
    expect((await asked('preview-rebalance')).document).toMatchObject({ movesTotal: 0 });
    expect((await asked('preview-scale-out', { count: 2 })).document).toEqual({
      launch: { a: 1, b: 1 },
    });
    expect((await asked('preview-scale-in')).document).toMatchObject({ nodes: ['a1'] });
    expect((await asked('explain', { id: 'a1' })).text).toMatch(/^Node a1 \(mixed, zone a\)/);
    expect(world.started).toEqual([]);
  });

  test.each<[what: string, verb: string, body: unknown, error: RegExp]>([
    ['an unknown verb', 'format', {}, /There is no verb format/],
    ['a verb of every object', 'constructor', {}, /There is no verb constructor/],
    ['a wrong body', 'drain', { nodes: [] }, /The request is wrong: nodes/],
    ['too many nodes', 'scale-out', { count: 1e6 }, /The request is wrong: count/],
    ['a time that is none', 'drain', { nodes: ['a1'], deadline: 'soon' }, /wrong: deadline/],
    ['what is not JSON', 'drain', '{', /The body is not JSON/],
    ['a body that is too long', 'drain', `"${'x'.repeat(70_000)}"`, /65536 bytes at most/],
    ['a node that is not there', 'undrain', { node: 'z9' }, /There is no node z9/],
  ])('%s is refused', async (_what, verb, body, error) => {
    const page = await openPage(new World().ports);
    const { status, answer } = await ask(page, verb, body);
    expect([status, answer.error]).toEqual([400, expect.stringMatching(error)]);
  });
});
