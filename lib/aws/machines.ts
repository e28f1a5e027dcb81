import { setTimeout as pause } from 'node:timers/promises';
import {
  type _InstanceType,
  DescribeAvailabilityZonesCommand,
  DescribeInstancesCommand,
  EC2Client,
  type Instance,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  type RunInstancesCommandInput,
  TerminateInstancesCommand,
} from '@aws-sdk/client-ec2';
import { publicKeyOf } from '../contract/capability.ts';
import { tagCapabilityKey, tagCapacity, tagFleet, tagLaunch, tagNode } from '../contract/env.ts';
import type { Machine, Machines, MachineType } from '../control/ports.ts';
import { type NodeId, nodeId, type Zone, zone } from '../core/ids.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { type FleetKey, fleetKey } from './fleet-key.ts';
import { persistHarmless, type Wait } from './persist.ts';

/**
 * EC2 has no machine for us now, or may not give one: another zone, another type or later may do.
 */
const capacityErrors: ReadonlySet<string> = new Set([
  'InstanceLimitExceeded',
  'InsufficientAddressCapacity',
  'InsufficientCapacity',
  'InsufficientFreeAddressesInSubnet',
  'InsufficientHostCapacity',
  'InsufficientInstanceCapacity',
  'InsufficientReservedInstanceCapacity',
  'MaxSpotInstanceCountExceeded',
  'SpotMaxPriceTooLow',
  'Unsupported',
  'VcpuLimitExceeded',
]);
/** EC2 forgets an instance about an hour after its end. */
const goneErrors: ReadonlySet<string> = new Set(['InvalidInstanceID.NotFound']);
/** The protection of an instance that ends already cannot be lifted, and need not be. */
const endingErrors: ReadonlySet<string> = new Set([...goneErrors, 'IncorrectInstanceState']);

const instancesPerPage = 500;

type Place = Pick<Settings, 'fleet' | 'launchTemplate' | 'subnets' | 'port'>;

export const ec2Machines = (settings: Settings): Machines =>
  new Ec2Machines(new EC2Client(sentOnce(10_000)), settings, fleetKey(settings));

/** @throws TryLater */
export class Ec2Machines implements Machines {
  readonly #client: EC2Client;
  readonly #place: Place;
  readonly #key: FleetKey;
  readonly #wait: Wait;

  constructor(client: EC2Client, place: Place, key: FleetKey, wait: Wait = pause) {
    this.#client = client;
    this.#place = place;
    this.#key = key;
    this.#wait = wait;
  }

  /** Repeated it is the same launch: EC2 keeps the token for as long as the instance is known. */
  async launch(
    node: NodeId,
    where: Zone,
    token: string,
    type?: MachineType,
  ): Promise<Machine | { readonly refused: string }> {
    const { subnets } = this.#place;
    const SubnetId = subnets.get(where);
    if (SubnetId === undefined) {
      return { refused: `no subnet in zone ${where}, only in ${[...subnets.keys()].join(', ')}` };
    }
    const input = await this.#launchInput(node, SubnetId, token, type);
    const answer = await persistHarmless(() => this.#run(input), this.#wait);
    return answer instanceof Error
      ? { refused: `${answer.name}: ${answer.message}` }
      : this.#machine(answer, node);
  }

  /** A lack of capacity comes as a 500: it is an answer, not an unknown outcome. */
  async #run(input: RunInstancesCommandInput): Promise<Instance | Error> {
    try {
      const { Instances = [] } = await this.#client.send(new RunInstancesCommand(input));
      return Instances[0]!;
    } catch (error) {
      if (isNamed(error, capacityErrors)) return error;
      throw error;
    }
  }

  async #launchInput(
    node: NodeId,
    SubnetId: string,
    token: string,
    type: MachineType | undefined,
  ): Promise<RunInstancesCommandInput> {
    const { fleet, launchTemplate } = this.#place;
    const tags = {
      Name: `${fleet}-${node}`,
      [tagNode]: node,
      [tagFleet]: fleet,
      [tagLaunch]: token,
      [tagCapabilityKey]: publicKeyOf(await this.#key()),
      ...(type !== undefined && { [tagCapacity]: String(type.capacityBytes) }),
    };
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    return {
      LaunchTemplate: { LaunchTemplateId: launchTemplate, Version: '$Latest' },
      MinCount: 1,
      MaxCount: 1,
      SubnetId,
      ClientToken: token,
      ...(type !== undefined && { InstanceType: type.type as _InstanceType }),
      TagSpecifications: [
        { ResourceType: 'instance', Tags },
        { ResourceType: 'volume', Tags: Tags.filter(({ Key }) => Key !== tagCapabilityKey) },
      ],
    };
  }

  async list(): Promise<readonly Machine[]> {
    const machines: Machine[] = [];
    let next: string | undefined;
    do {
      const input = {
        Filters: [{ Name: `tag:${tagFleet}`, Values: [this.#place.fleet] }],
        MaxResults: instancesPerPage,
        ...(next !== undefined && { NextToken: next }),
      };
      const send = () => this.#client.send(new DescribeInstancesCommand(input));
      const answer = await persistHarmless(send, this.#wait);
      for (const instance of (answer.Reservations ?? []).flatMap((each) => each.Instances ?? [])) {
        const node = instance.Tags?.find(({ Key }) => Key === tagNode)?.Value;
        if (node !== undefined) machines.push(this.#machine(instance, nodeId(node)));
      }
      next = answer.NextToken;
    } while (next !== undefined && next !== '');
    return machines;
  }

  async zones(): Promise<ReadonlyMap<string, Zone>> {
    const send = () => this.#client.send(new DescribeAvailabilityZonesCommand({}));
    const { AvailabilityZones = [] } = await persistHarmless(send, this.#wait);
    return new Map(
      AvailabilityZones.map(({ ZoneId = '', ZoneName = '' }) => [ZoneId, zone(ZoneName)]),
    );
  }

  async terminate(instance: string): Promise<void> {
    const unprotect = {
      InstanceId: instance,
      DisableApiTermination: { Value: false },
    };
    await this.#unless(endingErrors, () =>
      this.#client.send(new ModifyInstanceAttributeCommand(unprotect)),
    );
    await this.#unless(goneErrors, () =>
      this.#client.send(new TerminateInstancesCommand({ InstanceIds: [instance] })),
    );
  }

  async #unless(errors: ReadonlySet<string>, send: () => Promise<unknown>): Promise<void> {
    try {
      await persistHarmless(send, this.#wait);
    } catch (error) {
      if (!isNamed(error, errors)) throw error;
    }
  }

  #machine(instance: Instance, node: NodeId): Machine {
    const { InstanceId = '', PrivateIpAddress, SubnetId, Placement, State } = instance;
    const { port, subnets } = this.#place;
    const [ours] = [...subnets].find(([, subnet]) => subnet === SubnetId) ?? [];
    return {
      instance: InstanceId,
      node,
      state: stateOf(State?.Name),
      address: PrivateIpAddress ? `${PrivateIpAddress}:${port}` : '',
      zone: ours ?? zone(Placement?.AvailabilityZone ?? ''),
    };
  }
}

const states = ['pending', 'running', 'shutting-down', 'terminated'] as const;

/** A stopped instance has left the fleet's service as one that stops. */
const stateOf = (name: string | undefined): Machine['state'] =>
  states.find((state) => state === name) ?? 'stopping';

const isNamed = (error: unknown, names: ReadonlySet<string>): error is Error =>
  error instanceof Error && names.has(error.name);
