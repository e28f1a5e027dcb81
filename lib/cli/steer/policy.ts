import { policyKey } from '../../contract/keys.ts';
import { Policy } from '../../contract/policy.ts';
import {
  formatRedundancy,
  parseRedundancy,
  RedundancyRecord,
  whyNotWritable,
} from '../../contract/redundancy.ts';
import type { Fields, Ports, Value } from '../../control/ports.ts';
import { throttleOp } from '../../control/throttle.ts';
import { writeKnown } from '../../control/write-known.ts';
import { withDeployment } from '../connect.ts';
import type { Answer, Context } from '../context.ts';
import { table } from '../text.ts';
import { UserError } from '../user-error.ts';

/** The policy in force: what operators set over the deployment's own. */
export const getPolicy = (context: Context): Promise<Answer> =>
  withDeployment(context, async (ports) => answerOf(ports.policy, await readOverrides(ports)));

/** Sets some of the policy's values; each is checked before any is written. */
export const setPolicy = (context: Context, assignments: readonly string[]): Promise<Answer> =>
  withDeployment(context, async (ports) => {
    const overrides = { ...(await readOverrides(ports)), ...parseAssignments(assignments) };
    const inForce = check(ports.policy, overrides);
    const operation = ports.newId();
    const put = { op: 'put', key: policyKey, fields: { ...overrides, lastOp: operation } } as const;
    await writeKnown(ports.tables, [put, throttleOp(inForce)], operation);
    return answerOf(ports.policy, overrides);
  });

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
  if (!(name in Policy.shape)) {
    throw new UserError(
      `The policy has no ${name}: it has ${Object.keys(Policy.shape).join(', ')}.`,
    );
  }
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

/** @returns the policy that would be in force */
function check(policyDefault: Policy, overrides: Fields): Policy {
  const parsed = Policy.safeParse({ ...policyDefault, ...overrides });
  if (!parsed.success) {
    const wrong = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${name}=${JSON.stringify(overrides[name])} (${message.toLowerCase()})`;
    });
    throw new UserError(`The policy cannot be so: ${wrong.join(', ')}.`);
  }
  const { fillLow, fillTarget, fillHigh, fillHard, nodesMin, nodesMax } = parsed.data;
  if (!(fillLow < fillTarget && fillTarget < fillHigh && fillHigh < fillHard)) {
    throw new UserError(
      `The policy cannot be so: fillLow ${fillLow} < fillTarget ${fillTarget} < fillHigh ${fillHigh} < fillHard ${fillHard} must hold.`,
    );
  }
  if (nodesMin > nodesMax) {
    throw new UserError(
      `The policy cannot be so: nodesMin ${nodesMin} is above nodesMax ${nodesMax}.`,
    );
  }
  return parsed.data;
}

const shown = (value: unknown): string => {
  const rule = RedundancyRecord.safeParse(value);
  return rule.success ? formatRedundancy(rule.data) : String(value);
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
