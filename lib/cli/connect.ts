import { readFileSync } from 'node:fs';
import { ControlEnv } from '../contract/env.ts';
import { withPolicy } from '../control/policy.ts';
import type { Ports } from '../control/ports.ts';
import { findRunningCloud, type RunningCloud } from './cloud/running.ts';
import type { Context, Io, Store } from './context.ts';
import { UserError } from './user-error.ts';

/** The store of a local cloud that was just started. */
export function connectTo(context: Context, cloud: RunningCloud): Promise<Store> {
  useLocalCloud(cloud, context);
  return context.world.openStore(cloud.settings);
}

/** As {@link withDeployment}, under the policy in force. */
export const withStore = <T>(
  context: Context,
  use: (ports: Ports, settings: ControlEnv) => Promise<T>,
): Promise<T> =>
  withDeployment(context, async (ports, settings) => use(await withPolicy(ports), settings));

/** Runs `use` on the store that the options and the environment name, and lets go of it. */
export async function withDeployment<T>(
  context: Context,
  use: (ports: Ports, settings: ControlEnv) => Promise<T>,
): Promise<T> {
  const settings = await findSettings(context);
  const store = await context.world.openStore(settings);
  try {
    return await use(store.ports, settings);
  } finally {
    store.close();
  }
}

/**
 * `--settings` and BALLAST_SETTINGS name a deployment; without them it is the local cloud of `--home`.
 * Afterwards the environment says whom AWS clients speak to, and as whom.
 */
async function findSettings(context: Context): Promise<ControlEnv> {
  const { globals, io } = context;
  useIdentity(globals, io.env);
  if (globals.settings !== undefined)
    return parseSettings(readSettings(globals.settings), globals.settings);
  const inEnvironment = io.env.BALLAST_SETTINGS;
  if (inEnvironment !== undefined) return parseSettings(inEnvironment, 'BALLAST_SETTINGS');
  const cloud = await findRunningCloud(globals.home);
  if (cloud === undefined) {
    throw new UserError(
      `No local cloud runs on ${globals.home}: start one with \`ballast up\`, or name a deployment with --settings.`,
    );
  }
  useLocalCloud(cloud, context);
  return parseSettings(JSON.stringify(cloud.settings), `${globals.home}/cloud.json`);
}

type Identity = { readonly [name in 'profile' | 'region' | 'endpointUrl']?: string | undefined };

function useIdentity({ profile, region, endpointUrl }: Identity, env: Io['env']): void {
  if (profile !== undefined) env.AWS_PROFILE = profile;
  if (region !== undefined) {
    env.AWS_REGION = region;
    env.AWS_DEFAULT_REGION = region;
  }
  if (endpointUrl === undefined) return;
  if (!URL.canParse(endpointUrl)) throw new UserError(`--endpoint-url ${endpointUrl} is no URL.`);
  env.AWS_ENDPOINT_URL = endpointUrl;
}

function useLocalCloud(cloud: RunningCloud, { globals, io }: Context): void {
  const { env } = io;
  delete env.AWS_PROFILE;
  delete env.AWS_SESSION_TOKEN;
  Object.assign(env, cloud.environment);
  useIdentity({ ...globals, profile: undefined }, env);
}

function readSettings(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(
      `The settings file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    );
  }
}

/** The value of the stack's output `BallastSettings`. */
export function parseSettings(text: string, from: string): ControlEnv {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UserError(`${from} is not JSON: it must hold the stack's output BallastSettings.`);
  }
  const parsed = ControlEnv.safeParse(value);
  if (parsed.success) return parsed.data;
  const names = [...new Set(parsed.error.issues.map(({ path }) => path.join('.') || 'the whole'))];
  throw new UserError(`${from} lacks or has wrong: ${names.join(', ')}.`);
}
