import type { Stack } from './assembly.ts';
import { type Identity, identityOf, nameProperty, shortHash } from './identity.ts';
import { accountId } from './principals.ts';
import { LocalCloudRefusal } from './refusal.ts';

export interface Place {
  readonly region: string;
  /** The URL that queue URLs start with. */
  readonly endpoint: string;
}

const omitted = Symbol('AWS::NoValue');
/** What an SSM-typed parameter stands for locally: machine images are the only use. */
const imagePlaceholder = 'ami-00000000000000000';

type Intrinsic = (argument: unknown) => unknown;
type Pair = readonly [unknown, unknown];

/** Evaluates the intrinsic functions of one stack; exports are looked up in all stacks of the assembly. */
export class Resolver {
  readonly #stack: Stack;
  readonly #place: Place;
  readonly #all: () => ReadonlyMap<string, Resolver>;
  readonly #identities = new Map<string, Identity>();

  constructor(stack: Stack, place: Place, all: () => ReadonlyMap<string, Resolver>) {
    this.#stack = stack;
    this.#place = place;
    this.#all = all;
  }

  get stack(): Stack {
    return this.#stack;
  }

  resolve(value: unknown): unknown {
    const answer = this.#value(value);
    return answer === omitted ? undefined : answer;
  }

  text(value: unknown): string {
    const answer = this.resolve(value);
    return typeof answer === 'object' ? JSON.stringify(answer) : String(answer ?? '');
  }

  holds(condition: string | undefined): boolean {
    if (condition === undefined) return true;
    const expression = this.#stack.template.Conditions?.[condition];
    if (expression === undefined) throw this.#unknown('condition', condition);
    return this.#value(expression) === true;
  }

  identity(logicalId: string): Identity {
    const known = this.#identities.get(logicalId);
    if (known) return known;
    const resource = this.#stack.template.Resources[logicalId];
    if (!resource) throw this.#unknown('resource', logicalId);
    const property = (name: string): string | undefined =>
      resource.Properties?.[name] === undefined ? undefined : this.text(resource.Properties[name]);
    const [naming] = nameProperty[resource.Type] ?? [''];
    const identity = identityOf({
      ...this.#place,
      stack: this.#stack.name,
      logicalId,
      type: resource.Type,
      named: property(naming),
      zone: property('AvailabilityZone'),
      functionName: property('FunctionName'),
      aliasName: property('Name'),
    });
    this.#identities.set(logicalId, identity);
    return identity;
  }

  outputs(): { id: string; exported: string | undefined; value: string }[] {
    return Object.entries(this.#stack.template.Outputs ?? {})
      .filter(([, { Condition }]) => this.holds(Condition))
      .map(([id, { Value, Export }]) => ({
        id,
        exported: Export === undefined ? undefined : this.text(Export.Name),
        value: this.text(Value),
      }));
  }

  /** The value of an export of this stack, `undefined` if it has none of that name. */
  exported(name: string): string | undefined {
    const found = Object.values(this.#stack.template.Outputs ?? {}).find(
      ({ Export }) => Export !== undefined && this.text(Export.Name) === name,
    );
    return found && this.text(found.Value);
  }

  #value(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((v) => this.#value(v)).filter((v) => v !== omitted);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [name, argument] = entries.length === 1 ? (entries[0] as [string, unknown]) : ['', null];
    const intrinsic = this.#intrinsics[name];
    if (intrinsic) return intrinsic(argument);
    if (name.startsWith('Fn::')) throw this.#unknown('intrinsic function', name);
    return Object.fromEntries(
      entries.map(([key, v]) => [key, this.#value(v)] as const).filter(([, v]) => v !== omitted),
    );
  }

  readonly #intrinsics: Readonly<Record<string, Intrinsic>> = {
    Ref: (id) => this.#ref(String(id)),
    Condition: (name) => this.holds(String(name)),
    'Fn::GetAtt': (path) => this.#attribute(path),
    'Fn::Sub': (argument) => this.#substitute(argument),
    'Fn::Join': (argument) => {
      const [separator, parts] = argument as Pair;
      return (this.#value(parts) as unknown[]).map(String).join(String(separator));
    },
    'Fn::Select': (argument) => {
      const [index, list] = argument as Pair;
      return (this.#value(list) as unknown[])[Number(this.#value(index))];
    },
    'Fn::Split': (argument) => {
      const [separator, text] = argument as Pair;
      return this.text(text).split(String(separator));
    },
    'Fn::GetAZs': () => ['a', 'b', 'c'].map((zone) => `${this.#place.region}${zone}`),
    'Fn::Base64': (text) => Buffer.from(this.text(text)).toString('base64'),
    'Fn::ImportValue': (name) => this.#import(this.text(name)),
    'Fn::GetStackOutput': (argument) => {
      const { StackName, OutputName } = argument as Record<string, unknown>;
      return this.#output(this.text(StackName), this.text(OutputName));
    },
    'Fn::FindInMap': (argument) => {
      const [map, first, second] = (argument as unknown[]).map((key) => this.text(key));
      return this.#stack.template.Mappings?.[map ?? '']?.[first ?? '']?.[second ?? ''];
    },
    'Fn::If': (argument) => {
      const [condition, yes, no] = argument as [string, unknown, unknown];
      return this.#value(this.holds(condition) ? yes : no);
    },
    'Fn::Equals': (argument) => {
      const [left, right] = argument as Pair;
      return this.text(left) === this.text(right);
    },
    'Fn::And': (all) => (all as unknown[]).every((one) => this.#value(one) === true),
    'Fn::Or': (all) => (all as unknown[]).some((one) => this.#value(one) === true),
    'Fn::Not': (argument) => this.#value((argument as unknown[])[0]) !== true,
  };

  #ref(id: string): unknown {
    if (id.startsWith('AWS::')) return this.#pseudo(id);
    const parameter = this.#stack.template.Parameters?.[id];
    if (!parameter) return this.identity(id).ref;
    if (parameter.Type.startsWith('AWS::SSM::Parameter')) return imagePlaceholder;
    if (parameter.Default === undefined) throw this.#unknown('default of parameter', id);
    return parameter.Default;
  }

  #pseudo(id: string): unknown {
    const { region } = this.#place;
    const name = this.#stack.name;
    const values: Record<string, unknown> = {
      'AWS::AccountId': accountId,
      'AWS::Region': region,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
      'AWS::NoValue': omitted,
      'AWS::StackName': name,
      'AWS::StackId': `arn:aws:cloudformation:${region}:${accountId}:stack/${name}/${shortHash(name, 32)}`,
      'AWS::NotificationARNs': [],
    };
    if (!(id in values)) throw this.#unknown('pseudo parameter', id);
    return values[id];
  }

  #attribute(path: unknown): unknown {
    const whole = Array.isArray(path)
      ? path.map((part) => this.text(part))
      : String(path).split('.');
    const [id = '', ...rest] = whole;
    const { attributes, name } = this.identity(id);
    const attribute = rest.join('.');
    return attributes[attribute] ?? `${name}.${attribute}`;
  }

  #substitute(argument: unknown): string {
    const [text, given] = (Array.isArray(argument) ? argument : [argument, {}]) as [
      string,
      Record<string, unknown>,
    ];
    return text.replace(/\$\{(!?)([^}]+)\}/g, (_whole, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`;
      if (name in given) return this.text(given[name]);
      return String(name.includes('.') ? this.#attribute(name) : this.#ref(name));
    });
  }

  #import(name: string): string {
    for (const other of this.#all().values()) {
      const value = other.exported(name);
      if (value !== undefined) return value;
    }
    throw this.#unknown('export', name);
  }

  #output(stack: string, id: string): string {
    const other = this.#all().get(stack);
    const output = other?.stack.template.Outputs?.[id];
    if (!other || !output) throw this.#unknown(`output of stack ${stack} named`, id);
    return other.text(output.Value);
  }

  #unknown(kind: string, name: string): LocalCloudRefusal {
    return new LocalCloudRefusal('bad-assembly', `Stack ${this.#stack.name}: no ${kind} ${name}.`);
  }
}
