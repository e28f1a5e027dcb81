/**
 * The process that runs one function, one invocation at a time: started by worker-pool.ts, spoken to over IPC.
 * It ends when its parent does.
 */
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Answer, Invocation } from './worker-messages.ts';

type Handler = (
  event: unknown,
  context: unknown,
  callback: (error: unknown, value?: unknown) => void,
) => unknown;

const [, , directory = '', handlerName = ''] = process.argv;
process.on('disconnect', () => process.exit(0));

async function load(): Promise<Handler> {
  const dot = handlerName.lastIndexOf('.');
  const file = ['mjs', 'js', 'cjs', 'ts']
    .map((extension) => `${directory}/${handlerName.slice(0, dot)}.${extension}`)
    .find((path) => existsSync(path));
  if (file === undefined)
    throw new Error(`Runtime.ImportModuleError: no module for ${handlerName} in ${directory}`);
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown> & {
    default?: Record<string, unknown>;
  };
  const name = handlerName.slice(dot + 1);
  const handler = module[name] ?? module.default?.[name];
  if (typeof handler !== 'function')
    throw new Error(`Runtime.HandlerNotFound: ${handlerName} is not exported`);
  return handler as Handler;
}

const call = (handler: Handler, event: unknown, context: unknown): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const result = handler(event, context, (error, value) =>
      error === undefined || error === null ? resolve(value) : reject(error),
    );
    if (handler.length < 3) resolve(result);
    else if (result instanceof Promise) result.then(resolve, reject);
  });

function describe(error: unknown): Answer {
  const known = error instanceof Error ? error : new Error(String(error));
  return {
    ok: false,
    error: {
      errorType: known.name,
      errorMessage: known.message,
      trace: (known.stack ?? '').split('\n'),
    },
  };
}

const handler = load();
handler.catch(() => {}); // reported with the first invocation

process.on('message', async ({ event, context, deadline }: Invocation) => {
  const lambda = { ...context, getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()) };
  const answer: Answer = await handler
    .then((run) => call(run, event, lambda))
    .then((value) => ({ ok: true, value: value ?? null }), describe);
  process.send?.(answer);
});
