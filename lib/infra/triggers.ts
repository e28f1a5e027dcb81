import { Duration } from 'aws-cdk-lib';
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, type LambdaFunctionProps } from 'aws-cdk-lib/aws-events-targets';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource, type SqsEventSourceProps } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { SweepMessage } from '../contract/messages.ts';
import { instanceStateChange, leavingStates, noticePatterns } from '../contract/notices.ts';
import type { FunctionName } from './functions.ts';
import { type QueueName, type Queues, urgencies } from './queues.ts';

/**
 * Runs at a time by queue. The most endangered copies and deadlines never wait behind a drain or a
 * rebalance. How many batches are in flight is the pacer's to say; this only bounds the account's runs.
 */
const concurrencyMax: Readonly<Record<QueueName, number>> = {
  critical: 10,
  high: 10,
  normal: 10,
  low: 5,
  sweep: 2,
};
/** A run waits on nodes, so several batches share it at no cost: two nodes' worth. */
const batchSize = 10;
/** Hints that come together are one sweep; nothing waits for it. */
const sweepHints = { batchSize: 10, maxBatchingWindow: Duration.seconds(1) };

export interface TriggersProps {
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly queues: Queues;
}

/** What makes functions run, workflows and alarms aside. */
export class Triggers extends Construct {
  constructor(scope: Construct, id: string, { functions, queues }: TriggersProps) {
    super(scope, id);
    for (const urgency of urgencies) feed(functions.migrate, queues, urgency);
    feed(functions.sweep, queues, 'sweep', sweepHints);
    const dead = queues.dead.events;
    const everyMinute = Schedule.rate(Duration.minutes(1));
    const everyNode: SweepMessage = { nodes: [] };
    new Rule(this, 'SweepTick', {
      description: 'Ballast: source copies whose parking is over, whatever became of their hints',
      schedule: everyMinute,
      targets: [target(functions.sweep, dead, RuleTargetInput.fromObject(everyNode))],
    });
    new Rule(this, 'WatchTick', {
      description: 'Ballast: everything that an event may have missed',
      schedule: everyMinute,
      targets: [target(functions['node-watch'], dead)],
    });
    new Rule(this, 'TellTick', {
      description: 'Ballast: events that their own step did not tell',
      schedule: everyMinute,
      targets: [target(functions.tell, dead)],
    });
    new Rule(this, 'MachineLost', {
      description: 'Ballast: a machine stops or is terminated',
      eventPattern: {
        source: ['aws.ec2'],
        detailType: [instanceStateChange],
        detail: { state: [...leavingStates] },
      },
      targets: [target(functions['node-watch'], dead)],
    });
    this.#noticeRules(functions.urgency, dead);
  }

  /** AWS says what will go before it goes. A notice that is days ahead is worth its retries. */
  #noticeRules(urgency: IFunction, dead: IQueue): void {
    for (const [id, { source, detailType, ...more }] of Object.entries(noticePatterns)) {
      new Rule(this, id, {
        description: `Ballast: ${detailType[0]}`,
        eventPattern: { source: [...source], detailType: [...detailType], ...more },
        targets: [target(urgency, dead, undefined, noticeRetries)],
      });
    }
  }
}

function feed(
  handler: IFunction,
  queues: Queues,
  name: QueueName,
  batching: Pick<SqsEventSourceProps, 'batchSize' | 'maxBatchingWindow'> = { batchSize },
): void {
  handler.addEventSource(
    new SqsEventSource(queues.byName[name], {
      ...batching,
      maxConcurrency: concurrencyMax[name],
      reportBatchItemFailures: true,
    }),
  );
}

type Retries = Pick<LambdaFunctionProps, 'maxEventAge' | 'retryAttempts'>;

/** A late event is worth nothing once the next tick has run. */
const tickRetries: Retries = { maxEventAge: Duration.minutes(5), retryAttempts: 2 };
/** No tick repeats a notice: a retirement is told once, days ahead. One that comes too late does nothing. */
const noticeRetries: Retries = { maxEventAge: Duration.hours(12), retryAttempts: 20 };

const target = (
  handler: IFunction,
  deadLetterQueue: IQueue,
  event?: RuleTargetInput,
  retries: Retries = tickRetries,
) => new LambdaFunction(handler, { deadLetterQueue, ...retries, ...(event && { event }) });
