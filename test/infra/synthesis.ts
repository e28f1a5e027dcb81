import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import cdk from '../../cdk.json' with { type: 'json' };
import { DataStack, FleetStack, type FleetStackProps } from '../../lib/infra/index.ts';

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: templates are looked into at any depth
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}
export type Resources = Readonly<Record<string, Resource>>;

export interface Synthesis {
  readonly app: App;
  readonly data: Template;
  readonly fleet: Template;
  /** Of both stacks, by logical id. */
  readonly all: Resources;
}

/** The app's two stacks, as `bin/app.ts` makes them, without bundling. */
export function synthesise(props: Partial<FleetStackProps> = {}): Synthesis {
  const context = { ...cdk.context, 'aws:cdk:bundling-stacks': [] };
  const app = new App({ analyticsReporting: false, context });
  const { data } = new DataStack(app, 'data', {});
  const fleetStack = new FleetStack(app, 'fleet', { data, ...props });
  const fleet = Template.fromStack(fleetStack);
  const dataTemplate = Template.fromStack(fleetStack.fleet.data.node.scope as DataStack);
  const all = { ...resourcesOf(dataTemplate), ...resourcesOf(fleet) };
  return { app, data: dataTemplate, fleet, all };
}

export const resourcesOf = (template: Template): Resources => template.toJSON().Resources;

export const ofType = (resources: Resources, type: string): [id: string, resource: Resource][] =>
  Object.entries(resources).filter(([, { Type }]) => Type === type);

/** What intrinsic functions join, with a reference shown as `<LogicalId>` or `<LogicalId.Attribute>`. */
export function flat(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, argument]] = Object.entries(value) as [[string, unknown]];
  if (name === 'Fn::Join') {
    const [separator, parts] = argument as [string, unknown[]];
    return parts.map(flat).join(separator);
  }
  if (name === 'Fn::Sub') return String(argument);
  if (name === 'Fn::Base64') return flat(argument);
  return `<${Array.isArray(argument) ? argument.map(flat).join('.') : flat(argument)}>`;
}

export interface Statement {
  readonly owner: string;
  readonly Sid?: string;
  readonly Effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const listed = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);

/** Every statement of every role's policies; `owner` is the role's logical id. */
export const statements = (resources: Resources): Statement[] =>
  ofType(resources, 'AWS::IAM::Policy').flatMap(([, { Properties }]) =>
    Properties.Roles.flatMap((role: unknown) =>
      Properties.PolicyDocument.Statement.map((statement: Record<string, unknown>) => ({
        ...statement,
        owner: flat(role).slice(1, -1),
        actions: listed(statement.Action).map(String),
        resources: listed(statement.Resource).map(flat),
      })),
    ),
  );
