export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated';

export interface Instance {
  readonly id: string;
  state: InstanceState;
  readonly type: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly address: string;
  readonly launched: string;
  readonly launchTemplateId: string;
  userData: string;
  tags: Record<string, string>;
  protection: 'on' | 'off';
}

export interface LaunchRequest {
  readonly launchTemplateId: string;
  readonly userData: string;
  readonly type: string;
  readonly imageId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly tags: Record<string, string>;
  readonly protection: 'on' | 'off';
}

const stateRoot = '/var/lib/ballast';

/** Paths that a node keeps its state under lie below its own directory here. */
export const reroot = (
  environment: Readonly<Record<string, string>>,
  directory: string,
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value === stateRoot || value.startsWith(`${stateRoot}/`)
        ? directory + value.slice(stateRoot.length)
        : value,
    ]),
  );
