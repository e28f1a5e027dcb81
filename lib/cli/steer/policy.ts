import { readFileSync } from 'node:fs';
import { policyKey } from '../../contract/keys.ts';
import { Policy } from '../../contract/policy.ts';
import {
  formatRedundancy,
  parseRedundancy,
  RedundancyRecord,
  whyNotWritable,
} from '../../contract/redundancy.ts';
import type { Fields, Ports, Value } from '../../control/ports.ts';
import { nodePolicyOp } from '../../control/tell-nodes.ts';
import { writeKnown } from '../../control/write-known.ts';
import { withDeployment } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { table } from '../text.ts';
import { UserError } from '../user-error.ts';

/** The policy in force: what operators set over the deployment's own. */
export const getPolicy = (context: Context): Promise<Answer> =>
  withDeployment(context, async (ports) => answerOf(ports.policy, await readOverrides(ports)));

/** Sets some of the policy's values; each is checked before any is written. */
export async function setPolicy(
  context: Context,
  assignments: readonly string[],
  file?: string,
): Promise<Answer> {
  const changes = {
    ...(file === undefined ? {} : parsePolicyFile(file)),
    ...parseAssignments(assignments),
  };
  if (Object.keys(changes).length === 0) {
    throw new UserError('Nothing to set: write NAME=VALUE, or name a file with --file.');
  }
  return withDeployment(context, async (ports) => {
    const overrides = { ...(await readOverrides(ports)), ...changes };
    const inForce = checkPolicy(ports.policy, overrides);
    const operation = ports.newId();
    const put = { op: 'put', key: policyKey, fields: { ...overrides, lastOp: operation } } as const;
    await writeKnown(ports.tables, [put, nodePolicyOp(inForce)], operation);
    return answerOf(ports.policy, overrides);
  });
}

/** A file with a JSON object of values; each must be one that the policy has. */
export function parsePolicyFile(file: string): Fields {
  const value = parseJson(readText(file), file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError(`${file} holds no JSON object of policy values.`);
  }
  for (const name of Object.keys(value)) checkName(name);
  const { redundancy } = value as Fields;
  return typeof redundancy === 'string'
    ? { ...value, redundancy: parseRule(`redundancy=${redundancy}`, redundancy) }
    : (value as Fields);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError(`The policy file ${file} cannot be read (${code}).`);
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UserError(`${file} is not JSON.`);
  }
}

function checkName(name: string): void {
  if (name in Policy.shape) return;
  throw new UserError(`The policy has no ${name}: it has ${Object.keys(Policy.shape).join(', ')}.`);
}

async function readOverrides({ tables }: Ports): Promise<Fields> {
  const [item] = await tables.get([policyKey]);
  const known = Object.entries(item ?? {}).filter(([name]) => name in Policy.shape);
  return Object.fromEntries(known);
}

function parseAssignments(assignments: readonly string[]): Fields {
  return Object.fromEntries(assignments.map(parseAssignment));
}

function parseAssignment(assignment: string): readonly [string, Value] {
  const at = assignment.indexOf('=');
  const name = assignment.slice(0, at);
  if (at < 1) throw new UserError(`${assignment} is no assignment: write NAME=VALUE.`);
  checkName(name);
  return [name, parseValue(assignment, name, assignment.slice(at + 1))];
}

/** A number, true or false; anything else is a word, and the schema says whether it may be. */
function parseValue(assignment: string, name: string, typed: string): Value {
  if (name === 'redundancy') return parseRule(assignment, typed);
  try {
    return JSON.parse(typed);
  } catch {
    return typed;
  }
}

function parseRule(assignment: string, typed: string): Value {
  const rule = parseRedundancy(typed);
  if (rule === undefined)
    throw new UserError(`${assignment}: the value must be like replicated:3 or erasure:4+2.`);
  const problem = whyNotWritable(rule);
  if (problem !== undefined) throw new UserError(`${assignment}: ${typed} ${problem}.`);
  return { ...rule };
}

/** The policy that `overrides` make of it. @throws UserError */
export function checkPolicy(policyDefault: Partial<Policy>, overrides: Fields): Policy {
  const parsed = Policy.safeParse({ ...policyDefault, ...overrides });
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${path.join('.')}=${JSON.stringify(overrides[name])} (${message.toLowerCase()})`;
    });
    throw new UserError(`The policy cannot be so: ${wrong.join(', ')}.`);
  }
  const against = contradictionIn(parsed.data);
  if (against !== undefined) throw new UserError(`The policy cannot be so: ${against}.`);
  return parsed.data;
}

function contradictionIn(policy: Policy): string | undefined {
  const { fillLow, fillTarget, fillSpare, fillHigh, fillHard, nodesMin, nodesMax } = policy;
  const types = policy.nodeTypes.map(({ type }) => type);
  const twice = types.find((type, at) => types.indexOf(type) !== at);
  if (!(fillLow < fillTarget && fillTarget < fillHigh && fillHigh < fillHard)) {
    return `fillLow ${fillLow} < fillTarget ${fillTarget} < fillHigh ${fillHigh} < fillHard ${fillHard} must hold`;
  }
  if (!(fillTarget <= fillSpare && fillSpare < fillHigh)) {
    return `fillTarget ${fillTarget} <= fillSpare ${fillSpare} < fillHigh ${fillHigh} must hold`;
  }
  if (nodesMin > nodesMax) return `nodesMin ${nodesMin} is above nodesMax ${nodesMax}`;
  return twice === undefined ? undefined : `nodeTypes has ${twice} twice`;
}

const shown = (value: unknown): string => {
  const rule = RedundancyRecord.safeParse(value);
  if (rule.success) return formatRedundancy(rule.data);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

function answerOf(policyDefault: Policy, overrides: Fields): Answer {
  const inForce = { ...policyDefault, ...overrides };
  const rows = Object.entries(inForce).map(([name, value]) => [
    name,
    shown(value),
    name in overrides ? 'set' : 'deployment',
  ]);
  return {
    document: { policy: inForce, set: Object.keys(overrides) },
    text: () => table(['NAME', 'VALUE', 'FROM'], rows),
  };
}
