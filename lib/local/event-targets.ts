import { randomUUID } from 'node:crypto';
import type { TargetPlan } from './deployment.ts';
import type { RuleTarget } from './event-bus.ts';
import type { Executions } from './executions.ts';
import type { Functions } from './functions.ts';
import type { JsonCall } from './internal-client.ts';
import { LocalCloudRefusal } from './refusal.ts';

export interface TargetServices {
  readonly functions: Functions;
  readonly executions: Executions;
  readonly call: JsonCall;
  readonly recordPublish: (topic: string, subject: string) => void;
  /** Queue ARN → URL. */
  readonly queueUrls: ReadonlyMap<string, string>;
}

type Event = Readonly<Record<string, unknown>>;

/** What a rule does with an event: a function, a state machine, a queue or a topic. */
export function targetOf(rule: string, plan: TargetPlan, services: TargetServices): RuleTarget {
  return { input: inputOf(plan), deliver: delivery(rule, plan.arn, services) };
}

function delivery(rule: string, arn: string, services: TargetServices): RuleTarget['deliver'] {
  if (arn.includes(':lambda:')) return (input) => services.functions.invokeLater(arn, input);
  if (arn.includes(':states:'))
    return (input) => void services.executions.start(arn, randomUUID(), JSON.stringify(input));
  if (arn.includes(':sns:')) return () => services.recordPublish(arn, rule);
  const QueueUrl = services.queueUrls.get(arn);
  if (QueueUrl === undefined)
    throw new LocalCloudRefusal(
      'unsupported-property',
      `Rule ${rule}: its target ${arn} is no function, state machine, queue or topic.`,
    );
  return async (input) => {
    const MessageBody = JSON.stringify(input);
    await services.call('sqs', 'AmazonSQS.SendMessage', { QueueUrl, MessageBody });
  };
}

export function inputOf({ input, inputPath, transformer }: TargetPlan): (event: Event) => unknown {
  if (input !== undefined) return () => JSON.parse(input) as unknown;
  if (inputPath !== undefined) return (event) => valueAt(event, inputPath);
  if (transformer === undefined) return (event) => event;
  return (event) => transform(event, transformer.paths, transformer.template);
}

/** `$.a.b`: the only paths that EventBridge knows. */
const valueAt = (event: Event, path: string): unknown =>
  path
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Event | undefined)?.[key], event);

/** Placeholders inside a string become its text, others JSON values. */
function transform(
  event: Event,
  paths: Readonly<Record<string, string>>,
  template: string,
): unknown {
  const value = (name: string): unknown =>
    paths[name] === undefined ? `<${name}>` : valueAt(event, paths[name]);
  const inString = template.replace(/"(?:[^"\\]|\\.)*"/g, (text) =>
    text.replace(/<([\w.-]+)>/g, (_whole, name: string) => {
      const found = value(name);
      return JSON.stringify(
        typeof found === 'string' ? found : (JSON.stringify(found) ?? ''),
      ).slice(1, -1);
    }),
  );
  const outside = inString.replace(
    /<([\w.-]+)>(?=[^"]*(?:"[^"]*"[^"]*)*$)/g,
    (_whole, name: string) => JSON.stringify(value(name) ?? null),
  );
  try {
    return JSON.parse(outside) as unknown;
  } catch {
    return outside;
  }
}
