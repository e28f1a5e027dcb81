/**
 * CloudWatch metric math, the part that alarms here use: + - * / and comparison, parentheses, lists,
 * MAX MIN SUM AVG of a list, IF(condition, then, else), FILL(metric, number), ABS, CEIL, FLOOR.
 * A value is a number or missing; arithmetic with a missing value is missing
 * (docs.aws.amazon.com/AmazonCloudWatch, "Using math expressions with CloudWatch metrics").
 */
export type Value = number | undefined;
export type Lookup = (metric: string) => Value;
export type Expression = (lookup: Lookup) => Value;

type Node = { readonly list: readonly Expression[] } | { readonly one: Expression };

export class MetricMathError extends Error {
  override readonly name = 'MetricMathError';
}

const token = /\s*([A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|<=|>=|==|!=|[-+*/(),<>[\]])/y;

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  const pattern = new RegExp(token);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) throw new MetricMathError(`unexpected ${text.slice(at, at + 10)} in "${text}"`);
    tokens.push(found[1] as string);
  }
  return tokens;
}

const operators: readonly Readonly<Record<string, (left: number, right: number) => number>>[] = [
  {
    '<': (a, b) => Number(a < b),
    '>': (a, b) => Number(a > b),
    '<=': (a, b) => Number(a <= b),
    '>=': (a, b) => Number(a >= b),
    '==': (a, b) => Number(a === b),
    '!=': (a, b) => Number(a !== b),
  },
  { '+': (a, b) => a + b, '-': (a, b) => a - b },
  { '*': (a, b) => a * b, '/': (a, b) => a / b },
];

const overList: Readonly<Record<string, (values: readonly number[]) => Value>> = {
  MAX: (values) => (values.length === 0 ? undefined : Math.max(...values)),
  MIN: (values) => (values.length === 0 ? undefined : Math.min(...values)),
  SUM: (values) => (values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0)),
  AVG: (values) =>
    values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length,
};
const overNumber: Readonly<Record<string, (value: number) => number>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
};

/** Compiles an expression; throws MetricMathError on anything that is not served here. */
export function compileExpression(text: string): Expression {
  const parser = new Parser(tokensOf(text), text);
  return parser.whole();
}

class Parser {
  readonly #tokens: string[];
  readonly #text: string;

  constructor(tokens: string[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  whole(): Expression {
    const expression = this.#single(this.#binary(0));
    if (this.#tokens.length > 0) throw this.#wrong(this.#tokens[0] ?? '');
    return expression;
  }

  #binary(level: number): Node {
    const table = operators[level];
    if (!table) return this.#unary();
    let left = this.#binary(level + 1);
    for (let run = table[this.#tokens[0] ?? '']; run; run = table[this.#tokens[0] ?? '']) {
      this.#tokens.shift();
      left = { one: combine(run, this.#single(left), this.#single(this.#binary(level + 1))) };
    }
    return left;
  }

  #unary(): Node {
    if (this.#tokens[0] !== '-') return this.#primary();
    this.#tokens.shift();
    const inner = this.#single(this.#unary());
    return {
      one: combine(
        (a, b) => a - b,
        () => 0,
        inner,
      ),
    };
  }

  #primary(): Node {
    const first = this.#tokens.shift();
    if (first === undefined) throw this.#wrong('the end');
    if (first === '(') {
      const inner = this.#binary(0);
      this.#expect(')');
      return inner;
    }
    if (first === '[') return { list: this.#arguments(']').map((node) => this.#single(node)) };
    if (/^\d/.test(first)) return { one: () => Number(first) };
    if (!/^[A-Za-z_]/.test(first)) throw this.#wrong(first);
    if (this.#tokens[0] !== '(') return { one: (lookup) => lookup(first) };
    this.#tokens.shift();
    return { one: this.#function(first, this.#arguments(')')) };
  }

  #arguments(close: string): Node[] {
    const found = [this.#binary(0)];
    while (this.#tokens[0] === ',') {
      this.#tokens.shift();
      found.push(this.#binary(0));
    }
    this.#expect(close);
    return found;
  }

  #function(name: string, given: Node[]): Expression {
    const reduce = overList[name];
    if (reduce) {
      const list = given.flatMap((node) => ('list' in node ? node.list : [node.one]));
      return (lookup) =>
        reduce(list.map((item) => item(lookup)).filter((value) => value !== undefined));
    }
    const [first, second, third] = given.map((node) => this.#single(node));
    const map = overNumber[name];
    if (map && first) return combine((a) => map(a), first, first);
    if (name === 'FILL' && first && second) return (lookup) => first(lookup) ?? second(lookup);
    if (name === 'IF' && first && second)
      return (lookup) => {
        const condition = first(lookup);
        if (condition === undefined) return undefined;
        return condition !== 0 ? second(lookup) : third?.(lookup);
      };
    throw this.#wrong(`${name}() with ${given.length} arguments`);
  }

  #single(node: Node): Expression {
    if ('one' in node) return node.one;
    throw this.#wrong('a list where one value is needed');
  }

  #expect(wanted: string): void {
    const got = this.#tokens.shift();
    if (got !== wanted) throw this.#wrong(got ?? 'the end');
  }

  #wrong(what: string): MetricMathError {
    return new MetricMathError(`metric math "${this.#text}": ${what} is not served locally`);
  }
}

const combine =
  (run: (left: number, right: number) => number, left: Expression, right: Expression): Expression =>
  (lookup) => {
    const a = left(lookup);
    const b = right(lookup);
    if (a === undefined || b === undefined) return undefined;
    const value = run(a, b);
    return Number.isFinite(value) ? value : undefined; // a division by zero gives no data point
  };
