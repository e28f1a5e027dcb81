/**
 * EventBridge event patterns: every field of the pattern must match, a list matches if one of its entries
 * does (docs.aws.amazon.com/eventbridge, "Comparison operators"). Throws on an operator that is not served.
 */
type Json = unknown;
type Fields = Readonly<Record<string, Json>>;

const isFields = (value: Json): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function matchesPattern(pattern: Json, event: Json): boolean {
  if (!isFields(pattern)) return false;
  return Object.entries(pattern).every(([field, wanted]) => {
    if (field === '$or') return (wanted as Json[]).some((one) => matchesPattern(one, event));
    const value = isFields(event) ? event[field] : undefined;
    return Array.isArray(wanted) ? matchesAny(wanted, value) : matchesPattern(wanted, value);
  });
}

function matchesAny(wanted: readonly Json[], value: Json): boolean {
  const values = Array.isArray(value) ? value : [value];
  return wanted.some((matcher) => values.some((one) => matchesOne(matcher, one)));
}

type Test = (argument: Json, value: Json) => boolean;
const isText = (value: Json): value is string => typeof value === 'string';

const tests: Readonly<Record<string, Test>> = {
  exists: (wanted, value) => (value !== undefined) === wanted,
  prefix: (wanted, value) => isText(value) && value.startsWith(String(wanted)),
  suffix: (wanted, value) => isText(value) && value.endsWith(String(wanted)),
  'equals-ignore-case': (wanted, value) =>
    isText(value) && value.toLowerCase() === String(wanted).toLowerCase(),
  'anything-but': (wanted, value) =>
    value !== undefined &&
    !(Array.isArray(wanted) ? wanted : [wanted]).some((one) => matchesOne(one, value)),
  numeric: (wanted, value) => typeof value === 'number' && inRange(wanted as Json[], value),
};

function matchesOne(matcher: Json, value: Json): boolean {
  if (!isFields(matcher)) return value === matcher;
  const [operator = '', argument] = Object.entries(matcher)[0] ?? [];
  const test = tests[operator];
  if (!test) throw new Error(`event pattern operator ${operator} is not served locally`);
  return test(argument, value);
}

const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '=': (a, b) => a === b,
};

/** `[">", 0, "<=", 5]`: pairs of an order and a bound, all of which hold. */
function inRange(range: readonly Json[], value: number): boolean {
  for (let i = 0; i + 1 < range.length; i += 2)
    if (!orders[String(range[i])]?.(value, Number(range[i + 1]))) return false;
  return true;
}

/** Throws a sentence if the pattern uses an operator that is not served. */
export function checkPattern(pattern: Json): void {
  if (!isFields(pattern)) throw new Error('an event pattern is an object');
  for (const [field, wanted] of Object.entries(pattern)) {
    if (!Array.isArray(wanted)) checkPattern(wanted);
    else if (field === '$or') wanted.forEach(checkPattern);
    else for (const matcher of wanted) matchesOne(matcher, undefined);
  }
}
