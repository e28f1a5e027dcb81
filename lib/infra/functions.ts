import { Duration } from 'aws-cdk-lib';
import { RecursiveLoop } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { ControlEnv } from '../contract/env.ts';
import { ControlFunction, functionsCode } from './control-function.ts';
import type { Network } from './network.ts';

/**
 * Every function: `lambdas/<name>.ts`. Those that speak with agents live in the network; the others do
 * not, because a function in a network starts later and needs an endpoint for all that it calls.
 */
const functions = {
  /** Reads the whole placement when it thinks of shrinking: one vCPU. */
  autoscaler: { memoryMiB: 1769, lives: 'outside', called: 'by-events' },
  /** Decides the scaling as well, and tidies a node's inventory. */
  'node-watch': { memoryMiB: 1769, lives: 'in-network', called: 'by-events' },
  sweep: { memoryMiB: 512, lives: 'in-network', called: 'by-events' },
  /** Reads the nodes, the jobs and what a leaving machine's zone is called; moves nothing itself. */
  urgency: { memoryMiB: 512, lives: 'outside', called: 'by-events' },
  tell: { memoryMiB: 256, lives: 'outside', called: 'by-events' },
  /** Waits most of its time: what it costs is its memory. */
  migrate: { memoryMiB: 256, lives: 'in-network', called: 'by-queues' },
  admit: { memoryMiB: 1769, lives: 'outside', called: 'by-workflows' },
  connections: { memoryMiB: 512, lives: 'in-network', called: 'by-workflows' },
  /** Asks nodes what clients read most, where the policy goes by heat. */
  plan: { memoryMiB: 1769, lives: 'in-network', called: 'by-workflows' },
  pace: { memoryMiB: 512, lives: 'outside', called: 'by-workflows' },
  /** Keeps the placement of every chunk that a node held for its certificate: 2.7 KB each. */
  prove: { memoryMiB: 3008, lives: 'in-network', called: 'by-workflows' },
  terminate: { memoryMiB: 512, lives: 'outside', called: 'by-workflows' },
  launch: { memoryMiB: 512, lives: 'outside', called: 'by-workflows' },
  join: { memoryMiB: 512, lives: 'in-network', called: 'by-workflows' },
  finish: { memoryMiB: 512, lives: 'outside', called: 'by-workflows' },
} as const;
export type FunctionName = keyof typeof functions;
export const functionNames = Object.keys(functions) as readonly FunctionName[];

/** A step reads at most the whole placement: a million chunks take about two minutes. */
const stepTimeout = Duration.minutes(5);

export interface FunctionsProps {
  readonly fleetName: string;
  readonly network: Network;
  readonly environment: ControlEnv;
  /** Of the functions that queues feed. */
  readonly queueFunctionTimeout: Duration;
  /** For events that no run could handle. */
  readonly deadEvents: IQueue;
}

/** The control plane's Lambdas; what each may do is in `permissions.ts`. */
export class Functions extends Construct {
  readonly byName: Readonly<Record<FunctionName, ControlFunction>>;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const { network } = props;
    const reach = {
      vpc: network.vpc,
      vpcSubnets: { subnets: [...network.subnets] },
      securityGroups: [network.functions],
    };
    const code = functionsCode(functionNames);
    const make = (name: FunctionName): ControlFunction => {
      const { memoryMiB, lives, called } = functions[name];
      const isFedByQueue = called === 'by-queues' || name === 'sweep';
      return new ControlFunction(this, constructId(name), {
        fleetName: props.fleetName,
        name,
        code,
        memoryMiB,
        timeout: isFedByQueue ? props.queueFunctionTimeout : stepTimeout,
        environment: props.environment,
        ...(lives === 'in-network' && { reach }),
        ...(called === 'by-events' && { deadLetterQueue: props.deadEvents }),
        // As a batch ends its run sends what its room is for: a chain as long as the job.
        ...(isFedByQueue && { recursiveLoop: RecursiveLoop.ALLOW }),
      });
    };
    this.byName = Object.fromEntries(functionNames.map((name) => [name, make(name)])) as Record<
      FunctionName,
      ControlFunction
    >;
  }
}

/** `node-watch` → `NodeWatch`. */
const constructId = (name: string): string =>
  name.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
