import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalCloud } from '../../lib/local/cloud.ts';
import { startCloud } from '../../lib/local/cloud.ts';
import { outputs, type Resources, resources } from './template.ts';

/**
 * One function for all tests: it writes every event down, and does what the event says: `sleep` (ms), `crash`,
 * `fail` (an error's name), and of SQS records it reports those whose body holds "bad" as failed.
 */
const recorder = `
import { appendFileSync } from 'node:fs';
export async function handler(event, context) {
  appendFileSync(process.env.RECORD, JSON.stringify({ name: process.env.AWS_LAMBDA_FUNCTION_NAME, pid: process.pid, event }) + '\\n');
  console.log(JSON.stringify({ _aws: { Timestamp: Date.now(), CloudWatchMetrics: [{ Namespace: 'Test', Dimensions: [['Fleet']], Metrics: [{ Name: 'Events' }] }] }, Fleet: 'f', Events: 1 }));
  if (event.sleep) await new Promise((done) => setTimeout(done, event.sleep));
  if (event.crash) process.kill(process.pid, 'SIGKILL');
  if (event.fail) throw Object.assign(new Error('asked to fail'), { name: event.fail });
  if (event.Records)
    return { batchItemFailures: event.Records.filter((r) => r.body.includes('bad')).map((r) => ({ itemIdentifier: r.messageId })) };
  return { echo: event, left: context.getRemainingTimeInMillis(), id: context.awsRequestId };
}`;

/** A stand-in for the node agent: counts its starts in its data directory and answers who it is. */
const agent = `
import { createServer } from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
const imds = process.env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
const token = await (await fetch(imds + '/latest/api/token', { method: 'PUT', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' } })).text();
const ask = async (path) => (await fetch(imds + '/latest/meta-data/' + path, { headers: { 'x-aws-ec2-metadata-token': token } })).text();
const dir = process.env.BALLAST_DATA_DIR;
mkdirSync(dir, { recursive: true });
let starts = 0;
try { starts = Number(readFileSync(dir + '/starts', 'utf8')); } catch {}
writeFileSync(dir + '/starts', String(starts + 1));
const who = { id: await ask('instance-id'), zone: await ask('placement/availability-zone'), node: await ask('tags/instance/ballast:node'), starts: starts + 1, dir, pid: process.pid };
const host = await ask('local-ipv4');
const server = createServer((_, response) => response.end(JSON.stringify(who)));
server.listen(Number(process.env.BALLAST_PORT), host);
process.on('SIGTERM', () => process.exit(0));`;

export interface Fixture {
  readonly assembly: string;
  readonly home: string;
  /** The events that functions of this logical id got, oldest first. */
  events(logicalId: string): Record<string, unknown>[];
  /** Writes the template again with other resources. */
  write(changed: Resources): void;
  remove(): void;
}

/** An assembly and a home in a temporary directory. */
export function fixture(): Fixture {
  const root = mkdtempSync(join(tmpdir(), 'ballast-local-'));
  const assembly = join(root, 'cdk.out');
  const record = join(root, 'record.ndjson');
  for (const [asset, code] of Object.entries({ recorder, agent })) {
    mkdirSync(join(assembly, `asset.${asset}`), { recursive: true });
    writeFileSync(join(assembly, `asset.${asset}`, 'index.mjs'), code);
  }
  writeFileSync(record, '');
  const asset = (name: string) => ({
    source: { path: `asset.${name}` },
    destinations: { current: { objectKey: `${name}.zip` } },
  });
  const manifest = { files: { recorder: asset('recorder'), agent: asset('agent') } };
  writeFileSync(join(assembly, 'Test.assets.json'), JSON.stringify(manifest));
  const importer = { Outputs: { Imported: { Value: { 'Fn::ImportValue': 'Data:Bucket' } } } };
  const other = { ...importer, Resources: {} };
  writeFileSync(join(assembly, 'Other.template.json'), JSON.stringify(other));
  const Parameters = {
    RecordFile: { Type: 'String', Default: record },
    Image: { Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: '/aws/image' },
  };
  const made: Fixture = {
    assembly,
    home: join(root, 'home'),
    events: (logicalId) =>
      readFileSync(record, 'utf8')
        .split('\n')
        .filter((line) => line.includes(`"name":"Test-${logicalId}"`))
        .map((line) => (JSON.parse(line) as { event: Record<string, unknown> }).event),
    write: (changed) =>
      writeFileSync(
        join(assembly, 'Test.template.json'),
        JSON.stringify({ Resources: changed, Outputs: outputs, Parameters }),
      ),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
  made.write(resources());
  return made;
}

/** Polls until `probe` answers something other than `undefined` or `false`; fails after `seconds`. */
export async function until<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  seconds = 10,
): Promise<Value> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`timed out: ${what}`);
    await delay(20);
  }
}

/** What SDK clients take to use this cloud as its user. */
export const clientOf = (cloud: Pick<LocalCloud, 'endpoint' | 'environment'>) => ({
  endpoint: cloud.endpoint,
  region: cloud.environment.AWS_REGION ?? '',
  credentials: {
    accessKeyId: cloud.environment.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: cloud.environment.AWS_SECRET_ACCESS_KEY ?? '',
  },
});

export const start = (made: Fixture): Promise<LocalCloud> =>
  startCloud({ assembly: made.assembly, home: made.home });
