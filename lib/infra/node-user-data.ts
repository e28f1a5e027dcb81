import { Fn, Stack } from 'aws-cdk-lib';
import { UserData } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { AgentEnv } from '../contract/env.ts';

/** Where the data volume is mounted, and its device as EC2 names it; AL2023 links it to the NVMe name. */
const mountPoint = '/var/lib/ballast';
export const dataDevice = '/dev/sdf';

export interface NodeUserDataProps {
  readonly environment: Omit<AgentEnv, 'BALLAST_DATA_DIR'>;
}

/**
 * First boot of a node: `#cloud-config` and one JSON object, which is YAML too and which other programs
 * read without a YAML parser. Holds no secret: who may read an instance's attributes may read it.
 */
export function nodeUserData(scope: Construct, { environment }: NodeUserDataProps): UserData {
  const config = {
    users: [{ name: 'ballast', system: true, shell: '/sbin/nologin' }],
    // What a volume holds is kept: `auto` takes a file system of this label and leaves alone what has another
    // (`none` formats by force, whatever `overwrite` says), and mkfs without -f refuses what is not empty.
    fs_setup: [
      {
        label: 'ballast',
        filesystem: 'xfs',
        device: dataDevice,
        partition: 'auto',
        cmd: 'mkfs.xfs -L %(label)s %(device)s',
      },
    ],
    mounts: [[dataDevice, mountPoint, 'xfs', 'defaults,noatime,nofail', '0', '2']],
    write_files: [
      { path: '/etc/ballast/agent.env', content: environmentFile(scope, environment) },
      { path: '/usr/local/sbin/ballast-install', permissions: '0755', content: installer },
      { path: '/etc/systemd/system/ballast-agent.service', content: unit },
    ],
    runcmd: [
      ['/usr/local/sbin/ballast-install'],
      ['systemctl', 'enable', '--now', 'ballast-agent'],
    ],
  };
  return UserData.custom(Fn.join('', ['#cloud-config\n', Stack.of(scope).toJsonString(config)]));
}

function environmentFile(scope: Construct, environment: NodeUserDataProps['environment']): string {
  const pairs: Record<string, string> = {
    ...environment,
    BALLAST_DATA_DIR: `${mountPoint}/data`,
    AWS_REGION: Stack.of(scope).region,
    // Every copy that is in work may wait for its own fsync.
    UV_THREADPOOL_SIZE: '32',
    NODE_OPTIONS: '--enable-source-maps',
  };
  return Object.entries(pairs).reduce((text, [name, value]) => `${text}${name}=${value}\n`, '');
}

/**
 * Node 24 comes from Amazon Linux's own repository and the bundle from S3; both are reached through the
 * S3 gateway endpoint, so a node needs no internet. Tried for half an hour: a zone's hiccup passes.
 */
const installer = `#!/bin/bash
set -euo pipefail
. /etc/ballast/agent.env
fetch() {
  dnf install -y nodejs24 &&
    aws s3 cp --region "$AWS_REGION" "$BALLAST_BUNDLE" /run/ballast-agent.zip &&
    python3 -m zipfile -e /run/ballast-agent.zip /opt/ballast
}
for attempt in {1..60}; do
  fetch && break
  [ "$attempt" -lt 60 ]
  sleep 30
done
install -d -o ballast -g ballast -m 0750 "$BALLAST_DATA_DIR"
`;

/** Does not start without its volume: a write to the root disk under the mount point would be lost. */
const unit = `[Unit]
Description=Ballast node agent
Wants=network-online.target
After=network-online.target
RequiresMountsFor=${mountPoint}
ConditionPathIsMountPoint=${mountPoint}
StartLimitIntervalSec=0

[Service]
User=ballast
Group=ballast
EnvironmentFile=/etc/ballast/agent.env
ExecStart=/usr/bin/node-24 /opt/ballast/index.mjs
Restart=always
RestartSec=2
KillSignal=SIGTERM
TimeoutStopSec=60
LimitNOFILE=65536
NoNewPrivileges=true
ProtectSystem=strict
ProtectHome=true
PrivateTmp=true
PrivateDevices=true
ProtectKernelTunables=true
ProtectKernelModules=true
ProtectControlGroups=true
RestrictSUIDSGID=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
CapabilityBoundingSet=
ReadWritePaths=${mountPoint}

[Install]
WantedBy=multi-user.target
`;
