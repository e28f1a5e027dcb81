import { createHmac, randomBytes } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { Instance } from './instance.ts';
import type { Instances } from './instances.ts';
import type { Backend } from './wire.ts';

const secret = randomBytes(32);
const tokenFor = (instance: string): string =>
  createHmac('sha256', secret).update(instance).digest('base64url');

type Reader = (instance: Instance) => string | undefined;
const readers: Readonly<Record<string, Reader>> = {
  'instance-id': ({ id }) => id,
  'local-ipv4': ({ address }) => address,
  'instance-type': ({ type }) => type,
  'placement/availability-zone': ({ zone }) => zone,
  'placement/region': ({ zone }) => zone.slice(0, -1),
  'tags/instance': ({ tags }) => Object.keys(tags).join('\n'),
};

const tagPath = 'tags/instance/';
const valueAt = (instance: Instance, path: string): string | undefined =>
  path.startsWith(tagPath)
    ? instance.tags[decodeURIComponent(path.slice(tagPath.length))]
    : readers[path]?.(instance);

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' });
  response.end(text);
}

/** The instance metadata service, version 2 only, at `/_imds/<instance id>/latest/…`. */
export function metadataBackend(instances: Instances): Backend {
  return (request, response, { url }) => {
    const [, id = '', path = ''] = /^\/_imds\/([^/]+)\/latest\/(.*?)\/?$/.exec(url.pathname) ?? [];
    const instance = instances.all().find((one) => one.id === id);
    if (!instance) return reply(response, 404, 'no such instance');
    if (path === 'api/token')
      return request.method === 'PUT' && request.headers['x-aws-ec2-metadata-token-ttl-seconds']
        ? reply(response, 200, tokenFor(id))
        : reply(response, 405, 'ask for a token with PUT');
    if (request.headers['x-aws-ec2-metadata-token'] !== tokenFor(id))
      return reply(response, 401, 'a token is needed');
    const value = path.startsWith('meta-data/')
      ? valueAt(instance, path.slice('meta-data/'.length))
      : undefined;
    return value === undefined ? reply(response, 404, 'not found') : reply(response, 200, value);
  };
}
