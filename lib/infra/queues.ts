import { Duration } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export const urgencies = ['critical', 'high', 'normal', 'low'] as const;
export type QueueName = (typeof urgencies)[number] | 'sweep';

/** AWS's rule for a queue that feeds a function: leave room for the poller's own retries. */
const visibilityTimeouts = 6;
/** A hint that failed five times fails for a reason that a person should see. */
const receivesMax = 5;

export interface QueuesProps {
  /** Longest run of a function that a queue feeds. */
  readonly functionTimeout: Duration;
}

/**
 * Queues carry hints, never truth: a lost one costs a minute, because the pacer sends a silent flight
 * again. So the visibility timeout may be long: it only says when SQS itself tries again.
 */
export class Queues extends Construct {
  readonly byName: Readonly<Record<QueueName, Queue>>;
  /** Where the messages of each queue end that no function could handle. */
  readonly dead: Readonly<Record<QueueName | 'events', Queue>>;

  constructor(scope: Construct, id: string, props: QueuesProps) {
    super(scope, id);
    const dead = {
      critical: this.#deadLetters('Critical'),
      high: this.#deadLetters('High'),
      normal: this.#deadLetters('Normal'),
      low: this.#deadLetters('Low'),
      sweep: this.#deadLetters('Sweep'),
      events: this.#deadLetters('Events'),
    };
    this.dead = dead;
    this.byName = {
      critical: this.#queue('Critical', dead.critical, props),
      high: this.#queue('High', dead.high, props),
      normal: this.#queue('Normal', dead.normal, props),
      low: this.#queue('Low', dead.low, props),
      sweep: this.#queue('Sweep', dead.sweep, props),
    };
  }

  #queue(id: string, dead: Queue, { functionTimeout }: QueuesProps): Queue {
    return new Queue(this, id, {
      visibilityTimeout: Duration.seconds(functionTimeout.toSeconds() * visibilityTimeouts),
      retentionPeriod: Duration.days(4),
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: dead, maxReceiveCount: receivesMax },
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
  }

  #deadLetters(id: string): Queue {
    return new Queue(this, `${id}Dead`, {
      retentionPeriod: Duration.days(14),
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
    });
  }
}
