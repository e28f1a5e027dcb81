import { beforeAll, describe, expect, test } from 'vitest';
import { AgentEnv } from '../../lib/contract/env.ts';
import { readUserData } from '../../lib/local/user-data.ts';
import { flat, ofType, type Resources, synthesise } from './synthesis.ts';

let all: Resources;
// biome-ignore lint/suspicious/noExplicitAny: looked into at any depth
let template: any;
beforeAll(() => {
  all = synthesise().all;
  const [[, launch]] = ofType(all, 'AWS::EC2::LaunchTemplate') as [[string, Resources[string]]];
  template = launch.Properties.LaunchTemplateData;
});

test('the metadata service speaks version 2 to the machine itself, and tells tags', () => {
  expect(template.MetadataOptions).toEqual({
    HttpEndpoint: 'enabled',
    HttpTokens: 'required',
    HttpPutResponseHopLimit: 1,
    InstanceMetadataTags: 'enabled',
  });
});

test('a machine cannot be terminated by mistake, nor logged into with a key', () => {
  expect(template.DisableApiTermination).toBe(true);
  expect(template.KeyName).toBeUndefined();
  expect(template.Monitoring).toEqual({ Enabled: true });
});

test('every volume is encrypted with our key', () => {
  expect(template.BlockDeviceMappings).toHaveLength(2);
  for (const { Ebs } of template.BlockDeviceMappings) {
    expect(Ebs).toMatchObject({ Encrypted: true, VolumeType: 'gp3' });
    expect(flat(Ebs.KmsKeyId)).toContain('DataKey');
  }
});

test('machines and volumes carry the fleet’s tag', () => {
  for (const kind of ['instance', 'volume']) {
    const { Tags } = template.TagSpecifications.find(
      ({ ResourceType }: { ResourceType: string }) => ResourceType === kind,
    );
    expect(Tags).toContainEqual({ Key: 'ballast:fleet', Value: 'ballast' });
  }
});

test('only nodes, functions and clients reach the agents; nobody from an address', () => {
  const ingress = ofType(all, 'AWS::EC2::SecurityGroupIngress').map(
    ([, { Properties }]) => Properties,
  );
  expect(ingress.filter(({ CidrIp, CidrIpv6 }) => CidrIp ?? CidrIpv6)).toEqual([]);
  const toNodes = ingress.filter(({ GroupId }) => flat(GroupId).includes('NetworkNodes'));
  expect(toNodes.map(({ FromPort, ToPort }) => [FromPort, ToPort])).toEqual([
    [7070, 7070],
    [7070, 7070],
    [7070, 7070],
  ]);
  for (const [, { Properties }] of ofType(all, 'AWS::EC2::SecurityGroup')) {
    expect(Properties.SecurityGroupIngress).toBeUndefined();
  }
});

test('nodes, functions and clients reach the endpoints of what they call', () => {
  const ingress = ofType(all, 'AWS::EC2::SecurityGroupIngress').map(
    ([, { Properties }]) => Properties,
  );
  const peers = ingress
    .filter(({ GroupId }) => flat(GroupId).includes('NetworkEndpoints'))
    .map((rule) => [
      /Network(Nodes|Functions|Clients)/.exec(flat(rule.SourceSecurityGroupId))?.[1],
      rule.FromPort,
    ]);
  expect(peers.sort()).toEqual([
    ['Clients', 443],
    ['Functions', 443],
    ['Nodes', 443],
  ]);
});

test('nothing has a public address or a way to the internet', () => {
  const types = new Set(Object.values(all).map(({ Type }) => Type));
  expect(types).not.toContain('AWS::EC2::InternetGateway');
  expect(types).not.toContain('AWS::EC2::NatGateway');
  const subnets = ofType(all, 'AWS::EC2::Subnet').map(([, { Properties }]) => Properties);
  expect(subnets.map(({ MapPublicIpOnLaunch }) => MapPublicIpOnLaunch)).toEqual([
    false,
    false,
    false,
  ]);
  expect(
    new Set(subnets.map(({ AvailabilityZone }) => JSON.stringify(AvailabilityZone))).size,
  ).toBe(3);
});

describe('user data', () => {
  const boot = () => readUserData(Buffer.from(flat(template.UserData)).toString('base64'));

  test('is one JSON object that starts the agent with its settings, again and again', () => {
    const { environment, restartSeconds } = boot();
    expect(AgentEnv.parse(environment)).toMatchObject({
      BALLAST_FLEET: 'ballast',
      BALLAST_DATA_DIR: '/var/lib/ballast/data',
      BALLAST_PORT: '7070',
      BALLAST_HEARTBEAT_SECONDS: '10',
      BALLAST_BACKGROUND_RATE: '100000000',
    });
    expect(environment.BALLAST_BUNDLE).toMatch(/^s3:\/\/cdk-\S+\/[0-9a-f]{64}\.zip$/);
    expect(environment.BALLAST_HEARTBEATS_TABLE).toMatch(/Heartbeats/);
    expect(restartSeconds).toBe(2);
  });

  test('holds no secret and no way to one', () => {
    const text = JSON.stringify(template.UserData);
    expect(text).not.toMatch(/resolve:|secret|password|AKIA|PRIVATE KEY|DataCapability/i);
  });

  test('the agent starts on its volume only, without rights', () => {
    const config = JSON.parse(flat(template.UserData).slice('#cloud-config\n'.length));
    const unit = config.write_files.at(-1).content;
    expect(unit).toContain('ConditionPathIsMountPoint=/var/lib/ballast\n');
    expect(unit).toContain('NoNewPrivileges=true\n');
    expect(unit).toContain('User=ballast\n');
  });

  test('a volume that holds something is never made anew', () => {
    const config = JSON.parse(flat(template.UserData).slice('#cloud-config\n'.length));
    expect(config.fs_setup).toEqual([
      // cloud-init adds -f to a mkfs of its own on a disk (its issue 3902), and looks first for `auto` alone.
      {
        label: 'ballast',
        filesystem: 'xfs',
        device: '/dev/sdf',
        partition: 'auto',
        cmd: 'mkfs.xfs -L %(label)s %(device)s',
      },
    ]);
  });
});
