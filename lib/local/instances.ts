import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { takeAddress } from './addresses.ts';
import type { Children } from './children.ts';
import type { Home } from './home.ts';
import { shortHash } from './identity.ts';
import { type Instance, type InstanceState, type LaunchRequest, reroot } from './instance.ts';
import { InstanceProcess } from './instance-process.ts';
import { readJsonFile, writeJsonFile } from './json-file.ts';
import { clientEnvironment, instancesKey } from './principals.ts';
import { AwsError } from './refusal.ts';
import { readUserData } from './user-data.ts';

interface Saved {
  readonly instances: Instance[];
  /** Client token → fingerprint of its parameters and the instances that it launched. */
  readonly tokens: Record<string, { readonly fingerprint: string; readonly ids: string[] }>;
}

export interface InstancesSurroundings {
  readonly home: Home;
  readonly children: Children;
  readonly region: string;
  readonly endpoint: () => string;
  /** The directory of the asset with this object key. */
  readonly asset: (objectKey: string) => string | undefined;
  /** The user data that a launch template now has. */
  readonly userData: (launchTemplateId: string) => string | undefined;
  readonly onState: (instance: Instance) => void;
  readonly log: (line: string) => void;
}

const agentPortDefault = 7070;
/** EC2 too forgets a terminated instance after about an hour. */
const terminatedKept = 200;

/** Machines as processes: state on disk, processes while the local cloud runs. */
export class Instances {
  readonly #surroundings: InstancesSurroundings;
  readonly #file: string;
  readonly #instances = new Map<string, Instance>();
  readonly #tokens: Saved['tokens'] = {};
  readonly #processes = new Map<string, InstanceProcess>();
  /** Launches go one after another: two with one token must see each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(surroundings: InstancesSurroundings) {
    this.#surroundings = surroundings;
    this.#file = surroundings.home.at('instances.json');
    const saved = readJsonFile(this.#file) as Saved | undefined;
    for (const instance of saved?.instances ?? []) this.#instances.set(instance.id, instance);
    Object.assign(this.#tokens, saved?.tokens);
  }

  /** Starts again, on their old directories and addresses, the instances of the last run. */
  async resume(): Promise<void> {
    for (const instance of this.#instances.values()) {
      if (instance.state === 'shutting-down') await this.#remove(instance);
      else if (instance.state !== 'terminated') this.#boot(this.#refreshed(instance));
    }
  }

  all(): Instance[] {
    return [...this.#instances.values()];
  }

  /** Throws InvalidInstanceID.NotFound. */
  get(id: string): Instance {
    const instance = this.#instances.get(id);
    if (instance) return instance;
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  }

  pidOf(id: string): number | undefined {
    return this.#processes.get(id)?.pid;
  }

  /** The same token with the same request answers the same instances; else IdempotentParameterMismatch. */
  launch(request: LaunchRequest, count: number, token: string | undefined): Promise<Instance[]> {
    const launched = this.#last.then(() => this.#launch(request, count, token));
    this.#last = launched.catch(() => {});
    return launched;
  }

  /** Begins the end of an instance; it is `terminated` once its process is gone and its disk removed. */
  terminate(id: string): Instance {
    const instance = this.get(id);
    if (instance.protection === 'on')
      throw new AwsError(
        'OperationNotPermitted',
        `The instance '${id}' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.`,
      );
    if (instance.state === 'terminated' || instance.state === 'shutting-down') return instance;
    this.#become(instance, 'shutting-down');
    void this.#remove(instance);
    return instance;
  }

  /** A machine that is lost: kill -9, its disk gone, terminated without a word. */
  async lose(id: string): Promise<void> {
    const instance = this.get(id);
    await this.#processes.get(id)?.stop('at-once');
    this.#forgetDisk(instance);
  }

  killService(id: string): boolean {
    this.get(id);
    return this.#processes.get(id)?.kill() ?? false;
  }

  change(id: string, change: Partial<Pick<Instance, 'tags' | 'protection'>>): void {
    Object.assign(this.get(id), change);
    this.#save();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.stop('orderly')));
  }

  async #launch(
    request: LaunchRequest,
    count: number,
    token: string | undefined,
  ): Promise<Instance[]> {
    const fingerprint = shortHash(JSON.stringify([request, count]), 64);
    const known = token === undefined ? undefined : this.#tokens[token];
    if (known && known.fingerprint !== fingerprint)
      throw new AwsError(
        'IdempotentParameterMismatch',
        `The client token '${token}' was used with other parameters.`,
      );
    if (known) return known.ids.map((id) => this.get(id));
    const launched: Instance[] = [];
    for (let i = 0; i < count; i += 1)
      launched.push(await this.#create(`i-${shortHash(randomUUID(), 17)}`, request));
    const ids = launched.map(({ id }) => id);
    if (token !== undefined) this.#tokens[token] = { fingerprint, ids };
    for (const instance of launched) this.#become(instance, 'pending');
    for (const instance of launched) this.#boot(instance);
    return launched;
  }

  async #create(id: string, request: LaunchRequest): Promise<Instance> {
    const { environment } = readUserData(request.userData);
    const taken = new Set(
      this.all().flatMap(({ state, address }) => (state === 'terminated' ? [] : address)),
    );
    const port = Number(environment.BALLAST_PORT ?? agentPortDefault);
    const instance: Instance = {
      ...request,
      id,
      state: 'pending',
      address: await takeAddress(`${this.#surroundings.home.path} ${id}`, port, taken),
      launched: new Date().toISOString(),
    };
    this.#instances.set(id, instance);
    return instance;
  }

  /** An assembly keeps only the newest bundle: an instance of an older one boots what its template now has. */
  #refreshed(instance: Instance): Instance {
    const { environment } = readUserData(instance.userData);
    const current = this.#surroundings.userData(instance.launchTemplateId);
    if (this.#bundleOf(environment) === undefined && current !== undefined)
      instance.userData = current;
    return instance;
  }

  #boot(instance: Instance): void {
    const { home, children, log } = this.#surroundings;
    const boot = readUserData(instance.userData);
    const directory = home.at('nodes', instance.id);
    const process = new InstanceProcess({
      id: instance.id,
      directory,
      logFile: home.at('logs', `${instance.id}.log`),
      entry: this.#entryFor(boot.environment),
      environment: { ...reroot(boot.environment, directory), ...this.#machine(instance) },
      restartSeconds: boot.restartSeconds,
      children,
      log,
    });
    this.#processes.set(instance.id, process);
    process.start();
    this.#become(instance, 'running');
  }

  #machine({ id }: Instance): Record<string, string> {
    const endpoint = this.#surroundings.endpoint();
    return {
      ...clientEnvironment(endpoint, this.#surroundings.region, instancesKey),
      AWS_EC2_METADATA_SERVICE_ENDPOINT: `${endpoint}/_imds/${id}`,
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: this.#surroundings.home.at('nodes', id),
    };
  }

  #entryFor(environment: Readonly<Record<string, string>>): string {
    const directory = this.#bundleOf(environment);
    if (directory !== undefined) return join(directory, 'index.mjs');
    throw new AwsError(
      'InvalidParameterValue',
      `The assembly has no asset for ${environment.BALLAST_BUNDLE}.`,
    );
  }

  #bundleOf({ BALLAST_BUNDLE: bundle = '' }: Readonly<Record<string, string>>): string | undefined {
    return this.#surroundings.asset(bundle.replace(/^s3:\/\/[^/]+\//, ''));
  }

  async #remove(instance: Instance): Promise<void> {
    await this.#processes.get(instance.id)?.stop('orderly');
    this.#forgetDisk(instance);
  }

  #forgetDisk(instance: Instance): void {
    this.#processes.delete(instance.id);
    rmSync(this.#surroundings.home.at('nodes', instance.id), { recursive: true, force: true });
    this.#become(instance, 'terminated');
    const ended = this.all().filter(({ state }) => state === 'terminated');
    for (const { id } of ended.slice(0, -terminatedKept)) this.#instances.delete(id);
  }

  #become(instance: Instance, state: InstanceState): void {
    instance.state = state;
    this.#save();
    this.#surroundings.onState(instance);
  }

  #save(): void {
    const saved: Saved = { instances: this.all(), tokens: this.#tokens };
    writeJsonFile(this.#file, saved);
  }
}
