import type { Fields, Op, Scalar, Value, When } from '../control/ports.ts';
import { assert } from '../core/assert.ts';

/** A condition or an update in DynamoDB's words, with the names and values that it mentions. */
export interface Expression {
  readonly text: string;
  readonly names: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, Value>>;
}

const nothing: Expression = { text: '', names: {}, values: {} };

/**
 * `{ state: 'live', version: 3 }` → `#state = :was_state AND #version = :was_version`.
 * `{ state: { oneOf: ['a', 'b'] } }` → `#state IN (:was_state_0, :was_state_1)`.
 * Names are aliased because several of ours (`state`, `size`) are reserved words.
 */
export function conditionOf(when: When | undefined): Expression {
  if (when === undefined) return nothing;
  if (when === 'absent') return { ...nothing, text: 'attribute_not_exists(pk)' };
  const parts = Object.entries(when).map(([field, wanted]) => comparison(field, wanted));
  if (parts.length === 0) return { ...nothing, text: 'attribute_exists(pk)' };
  return joined(parts, ' AND ');
}

type Wanted = Exclude<When, 'absent'>[string];

function comparison(field: string, wanted: Wanted): Expression {
  const names = { [`#${field}`]: field };
  if (wanted === null || typeof wanted !== 'object') {
    const value = `:was_${field}`;
    return { text: `#${field} = ${value}`, names, values: { [value]: wanted } };
  }
  const { oneOf } = wanted;
  assert(oneOf.length > 0 && oneOf.length <= 100, 'a field is compared with 1 to 100 values');
  const values = Object.fromEntries(
    oneOf.map((each, i): [string, Scalar] => [`:was_${field}_${i}`, each]),
  );
  return { text: `#${field} IN (${Object.keys(values).join(', ')})`, names, values };
}

/**
 * `SET #state = :state, #epoch = :epoch ADD #movesDone :plus_movesDone`. A field without a value
 * stays as it is.
 */
export function updateOf({ set = {}, add = {} }: Op & { readonly op: 'update' }): Expression {
  const sets = Object.entries(defined(set)).map(([field, value]) => ({
    text: `#${field} = :${field}`,
    names: { [`#${field}`]: field },
    values: { [`:${field}`]: value },
  }));
  const adds = Object.entries(add).map(([field, amount]) => ({
    text: `#${field} :plus_${field}`,
    names: { [`#${field}`]: field },
    values: { [`:plus_${field}`]: amount },
  }));
  assert(sets.length + adds.length > 0, 'an update changes something');
  const clauses = [prefixed('SET', sets), prefixed('ADD', adds)];
  return joined(
    clauses.filter(({ text }) => text !== ''),
    ' ',
  );
}

function prefixed(verb: string, parts: readonly Expression[]): Expression {
  if (parts.length === 0) return nothing;
  const { text, ...rest } = joined(parts, ', ');
  return { text: `${verb} ${text}`, ...rest };
}

const joined = (parts: readonly Expression[], separator: string): Expression => ({
  text: parts.map(({ text }) => text).join(separator),
  names: Object.assign({}, ...parts.map(({ names }) => names)),
  values: Object.assign({}, ...parts.map(({ values }) => values)),
});

export const defined = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
