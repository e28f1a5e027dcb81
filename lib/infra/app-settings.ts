import { Duration } from 'aws-cdk-lib';
import { Policy } from '../contract/policy.ts';
import type { StorageFleetProps } from './storage-fleet.ts';

/** Context values that make no sense: one line for each, with what it is and what was expected. */
export class BadContext extends Error {
  override readonly name = 'BadContext';
}

/** Reads one context key; `undefined` where it is not set. */
type Context = (key: string) => unknown;

export interface AppSettings {
  readonly fleet: StorageFleetProps & { readonly fleetName: string };
  readonly checks: 'none' | 'nag';
}

/** A value, or the sentence that says what is wrong with it. */
type Parsed<Value> = { readonly value: Value } | { readonly wrong: string };
type Parser<Value> = (given: unknown) => Value | undefined;

/**
 * The context keys `ballast:*`, from cdk.json, `--context` or CDK_CONTEXT_JSON. What is not set keeps the
 * construct's default.
 * @throws BadContext
 */
export function parseAppSettings(context: Context): AppSettings {
  const wrong: string[] = [];
  const read = <Value>(name: string, expected: string, parse: Parser<Value>): Value | undefined => {
    const parsed = readKey(context, `ballast:${name}`, expected, parse);
    if ('value' in parsed) return parsed.value;
    wrong.push(parsed.wrong);
    return undefined;
  };
  const nodeCapacityBytes = read('nodeCapacityBytes', 'a whole number of bytes above 0', whole(1));
  const alarmPeriod = read('alarmPeriodSeconds', '10, 30 or a multiple of 60', alarmSeconds);
  const alarmHighPeriods = read('alarmHighPeriods', 'a whole number from 1 to 100', whole(1, 100));
  const alarmLowPeriods = read('alarmLowPeriods', 'a whole number from 1 to 100', whole(1, 100));
  const policy = readPolicy(context, nodeCapacityBytes, wrong);
  const heartbeat = read('heartbeatSeconds', 'a whole number from 1 to 300', whole(1, 300));
  const backgroundRateBytes = read('backgroundRate', 'bytes a second, above 0', whole(1));
  const timeout = read('functionTimeoutSeconds', 'a whole number from 10 to 900', whole(10, 900));
  const fleetName =
    read('fleetName', 'up to 30 of a–z, 0–9 and -, a letter first', name) ?? 'ballast';
  const checks = read('nag', 'true or false', flag) ?? 'none';
  if (wrong.length > 0) throw new BadContext(wrong.join('\n'));
  const fleet = {
    fleetName,
    ...given({ nodeCapacityBytes, policy, backgroundRateBytes }),
    ...given({ alarmHighPeriods, alarmLowPeriods }),
    ...given({ alarmPeriod: inSeconds(alarmPeriod) }),
    ...given({ heartbeatInterval: inSeconds(heartbeat) }),
    ...given({ queueFunctionTimeout: inSeconds(timeout) }),
  };
  return { fleet, checks };
}

const inSeconds = (seconds: number | undefined): Duration | undefined =>
  seconds === undefined ? undefined : Duration.seconds(seconds);

function readKey<Value>(
  context: Context,
  key: string,
  expected: string,
  parse: Parser<Value>,
): Parsed<Value | undefined> {
  const found = context(key);
  if (found === undefined || found === null) return { value: undefined };
  const value = parse(found);
  return value === undefined
    ? { wrong: `context ${key} is ${JSON.stringify(found)}, expected ${expected}` }
    : { value };
}

/** On the command line every value is a text. */
const whole =
  (min: number, max = Number.MAX_SAFE_INTEGER): Parser<number> =>
  (found) => {
    const value = typeof found === 'string' && found.trim() !== '' ? Number(found) : found;
    const isGood =
      Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
    return isGood ? (value as number) : undefined;
  };

const alarmSeconds: Parser<number> = (found) => {
  const seconds = whole(10, 86_400)(found);
  const isGood = seconds === 10 || seconds === 30 || (seconds !== undefined && seconds % 60 === 0);
  return isGood ? seconds : undefined;
};

/** Names of functions and state machines begin with it. */
const name: Parser<string> = (found) =>
  typeof found === 'string' && /^[a-z][a-z0-9-]{0,29}$/.test(found) ? found : undefined;

const flag: Parser<AppSettings['checks']> = (found) => {
  if (found === true || found === 'true') return 'nag';
  return found === false || found === 'false' ? 'none' : undefined;
};

const policyKey = 'ballast:policy';

/** Part of a policy, as JSON or as an object. */
function readPolicy(
  context: Context,
  nodeCapacityBytes: number | undefined,
  wrong: string[],
): Partial<Policy> | undefined {
  const parsed = readKey(context, policyKey, 'a JSON object of policy settings', record);
  if ('wrong' in parsed) wrong.push(parsed.wrong);
  if ('wrong' in parsed || parsed.value === undefined) return undefined;
  const { value } = parsed;
  for (const unknown of Object.keys(value).filter((key) => !(key in Policy.shape))) {
    wrong.push(
      `context ${policyKey} has ${unknown}, expected only ${Object.keys(Policy.shape).join(', ')}`,
    );
  }
  const result = Policy.safeParse({ nodeCapacityBytes: nodeCapacityBytes ?? 1, ...value });
  for (const { path, message } of result.error?.issues ?? []) {
    const found = JSON.stringify(value[String(path[0])]);
    wrong.push(
      `context ${policyKey}.${path.join('.')} is ${found}, expected what contract/policy.ts says: ${message}`,
    );
  }
  return value as Partial<Policy>;
}

const record: Parser<Record<string, unknown>> = (found) => {
  const value = typeof found === 'string' ? parseJson(found) : found;
  const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : undefined;
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Only what is set: an absent prop keeps its default. */
function given<Props extends object>(
  props: Props,
): { [Name in keyof Props]?: Exclude<Props[Name], undefined> } {
  const set = Object.entries(props).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as never;
}
