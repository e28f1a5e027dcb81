import type { AlarmValue } from './alarm-state.ts';

export type CompositeRule = (stateOf: (alarm: string) => AlarmValue | undefined) => boolean;

const token =
  /\s*(ALARM|OK|INSUFFICIENT_DATA|AND|OR|NOT|TRUE|FALSE|\(|\)|"[^"]*"|'[^']*'|[^\s()]+)/y;

/** Compiles the rule of a composite alarm: ALARM("a") AND NOT OK(b) …; throws on anything else. */
export function compileCompositeRule(text: string): CompositeRule {
  const tokens: string[] = [];
  const pattern = new RegExp(token);
  for (let found = pattern.exec(text); found; found = pattern.exec(text))
    tokens.push(found[1] as string);
  const rule = disjunction(tokens);
  if (tokens.length > 0) throw new Error(`alarm rule "${text}": ${tokens[0]} is not understood`);
  return rule;
}

function disjunction(tokens: string[]): CompositeRule {
  const parts = [conjunction(tokens)];
  while (tokens[0] === 'OR') {
    tokens.shift();
    parts.push(conjunction(tokens));
  }
  return (stateOf) => parts.some((part) => part(stateOf));
}

function conjunction(tokens: string[]): CompositeRule {
  const parts = [term(tokens)];
  while (tokens[0] === 'AND') {
    tokens.shift();
    parts.push(term(tokens));
  }
  return (stateOf) => parts.every((part) => part(stateOf));
}

function term(tokens: string[]): CompositeRule {
  const first = tokens.shift();
  if (first === 'TRUE' || first === 'FALSE') return () => first === 'TRUE';
  if (first === 'NOT') {
    const inner = term(tokens);
    return (stateOf) => !inner(stateOf);
  }
  if (first === '(') {
    const inner = disjunction(tokens);
    expectToken(tokens, ')');
    return inner;
  }
  expectToken(tokens, '(');
  const alarm = (tokens.shift() ?? '').replace(/^["']|["']$/g, '').replace(/^arn:.*:alarm:/, '');
  expectToken(tokens, ')');
  return (stateOf) => stateOf(alarm) === first;
}

function expectToken(tokens: string[], wanted: string): void {
  const got = tokens.shift();
  if (got !== wanted) throw new Error(`alarm rule: expected ${wanted}, found ${got ?? 'the end'}`);
}
