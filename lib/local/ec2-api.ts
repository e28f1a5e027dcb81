import type { Instance, LaunchRequest } from './instance.ts';
import type { Instances } from './instances.ts';
import { AwsError } from './refusal.ts';
import { type Backend, ec2Form, queryService } from './wire.ts';
import { zoneIds } from './zone-ids.ts';

export interface LaunchTemplate {
  readonly id: string;
  readonly name: string;
  readonly data: LaunchTemplateData;
}

export interface LaunchTemplateData {
  readonly imageId: string;
  readonly instanceType: string;
  readonly userData: string;
  readonly protection: 'on' | 'off';
  readonly subnetId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Machines {
  readonly instances: Instances;
  readonly templates: readonly LaunchTemplate[];
  /** Subnet id → zone. */
  readonly subnets: ReadonlyMap<string, string>;
}

const codes: Readonly<Record<string, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
};

const launchMax = 100;
const pageMax = 1_000;

/** The values of `Prefix.1`, `Prefix.2`, … as they stand in a form. */
const list = (form: URLSearchParams, prefix: string): string[] => {
  const found: string[] = [];
  for (let i = 1; form.has(`${prefix}.${i}`); i += 1) found.push(form.get(`${prefix}.${i}`) ?? '');
  return found;
};

function pairs(form: URLSearchParams, prefix: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (let i = 1; form.has(`${prefix}.${i}.Key`); i += 1)
    found[form.get(`${prefix}.${i}.Key`) ?? ''] = form.get(`${prefix}.${i}.Value`) ?? '';
  return found;
}

function instanceTags(form: URLSearchParams): Record<string, string> {
  const tags: Record<string, string> = {};
  for (let i = 1; form.has(`TagSpecification.${i}.ResourceType`); i += 1)
    if (form.get(`TagSpecification.${i}.ResourceType`) === 'instance')
      Object.assign(tags, pairs(form, `TagSpecification.${i}.Tag`));
  return tags;
}

const describe = (instance: Instance) => ({
  instanceId: instance.id,
  imageId: instance.imageId,
  instanceState: { code: codes[instance.state], name: instance.state },
  instanceType: instance.type,
  launchTime: instance.launched,
  placement: { availabilityZone: instance.zone, tenancy: 'default' },
  subnetId: instance.subnetId,
  privateIpAddress: instance.state === 'terminated' ? undefined : instance.address,
  privateDnsName: instance.state === 'terminated' ? undefined : instance.address,
  architecture: 'arm64',
  tagSet: Object.entries(instance.tags).map(([key, value]) => ({ key, value })),
});

function requestOf(form: URLSearchParams, { templates, subnets }: Machines): LaunchRequest {
  const id = form.get('LaunchTemplate.LaunchTemplateId');
  const name = form.get('LaunchTemplate.LaunchTemplateName');
  const template = templates.find((one) => one.id === id || one.name === name);
  if (!template)
    throw new AwsError(
      'InvalidLaunchTemplateId.NotFound',
      `There is no launch template ${id ?? name}; instances are launched from templates only.`,
    );
  const { data } = template;
  const subnetId =
    form.get('SubnetId') ?? form.get('NetworkInterface.1.SubnetId') ?? data.subnetId ?? '';
  const zone = subnets.get(subnetId);
  if (zone === undefined)
    throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
  const protection = form.get('DisableApiTermination');
  return {
    launchTemplateId: template.id,
    userData: form.get('UserData') ?? data.userData,
    type: form.get('InstanceType') ?? data.instanceType,
    imageId: form.get('ImageId') ?? data.imageId,
    subnetId,
    zone,
    tags: { ...data.tags, ...instanceTags(form) },
    protection: protection === null ? data.protection : protection === 'true' ? 'on' : 'off',
  };
}

async function runInstances(form: URLSearchParams, machines: Machines) {
  const count = Number(form.get('MaxCount'));
  if (!Number.isInteger(count) || count < 1 || count > launchMax)
    throw new AwsError('InvalidParameterValue', `MaxCount ${count} is not in 1..${launchMax}.`);
  const token = form.get('ClientToken') ?? undefined;
  const launched = await machines.instances.launch(requestOf(form, machines), count, token);
  return { reservationId: 'r-local', ownerId: 'local', instancesSet: launched.map(describe) };
}

function matches(instance: Instance, name: string, values: readonly string[]): boolean {
  const plain: Record<string, string> = {
    'instance-state-name': instance.state,
    'instance-id': instance.id,
    'instance-type': instance.type,
    'subnet-id': instance.subnetId,
    'availability-zone': instance.zone,
    'private-ip-address': instance.address,
  };
  if (name.startsWith('tag:')) return values.includes(instance.tags[name.slice(4)] ?? '\0');
  if (name === 'tag-key') return values.some((key) => key in instance.tags);
  const value = plain[name];
  if (value === undefined)
    throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
  return values.includes(value);
}

function describeInstances(form: URLSearchParams, { instances }: Machines) {
  const ids = list(form, 'InstanceId');
  let found = ids.length > 0 ? ids.map((id) => instances.get(id)) : instances.all();
  for (let i = 1; form.has(`Filter.${i}.Name`); i += 1) {
    const name = form.get(`Filter.${i}.Name`) ?? '';
    found = found.filter((one) => matches(one, name, list(form, `Filter.${i}.Value`)));
  }
  const from = Number(form.get('NextToken') ?? 0);
  const to = from + Math.min(Number(form.get('MaxResults') ?? pageMax), pageMax);
  return {
    reservationSet: found.slice(from, to).map((instance) => ({
      reservationId: 'r-local',
      ownerId: 'local',
      instancesSet: [describe(instance)],
    })),
    nextToken: to < found.length ? String(to) : undefined,
  };
}

function terminateInstances(form: URLSearchParams, { instances }: Machines) {
  const ids = list(form, 'InstanceId');
  const before = ids.map((id) => instances.get(id).state);
  return {
    instancesSet: ids.map((id, i) => {
      const previous = before[i] ?? '';
      const { state } = instances.terminate(id);
      return {
        instanceId: id,
        currentState: { code: codes[state], name: state },
        previousState: { code: codes[previous], name: previous },
      };
    }),
  };
}

function modifyInstanceAttribute(form: URLSearchParams, { instances }: Machines) {
  const id = form.get('InstanceId') ?? '';
  const value = form.get('DisableApiTermination.Value');
  if (value === null)
    throw new AwsError(
      'NotImplementedLocally',
      'Of ModifyInstanceAttribute the local cloud serves DisableApiTermination only.',
    );
  instances.change(id, { protection: value === 'true' ? 'on' : 'off' });
  return { return: 'true' };
}

const describeZones = ({ subnets }: Machines) => ({
  availabilityZoneInfo: [...zoneIds(subnets.values())].map(([zoneId, zoneName]) => ({
    zoneId,
    zoneName,
    zoneState: 'available',
    regionName: zoneName.slice(0, -1),
  })),
});

function createTags(form: URLSearchParams, { instances }: Machines) {
  const tags = pairs(form, 'Tag');
  for (const id of list(form, 'ResourceId'))
    instances.change(id, { tags: { ...instances.get(id).tags, ...tags } });
  return { return: 'true' };
}

/** EC2's actions on instances. */
export const ec2Backend = (machines: Machines): Backend =>
  queryService(ec2Form, {
    RunInstances: (form) => runInstances(form, machines),
    DescribeInstances: (form) => describeInstances(form, machines),
    TerminateInstances: (form) => terminateInstances(form, machines),
    ModifyInstanceAttribute: (form) => modifyInstanceAttribute(form, machines),
    DescribeAvailabilityZones: () => describeZones(machines),
    CreateTags: (form) => createTags(form, machines),
  });
