import { join } from 'node:path';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { Bundle } from './bundle.ts';
import { lockFile, root } from './sources.ts';

const entry = 'bin/node-agent.ts';
const sources = ['lib/{core,contract,control,agent}/**/*.ts', entry, lockFile];

/** The node agent as one file, `index.mjs`, for instances to fetch. */
export const agentBundle = (scope: Construct, id: string): Asset =>
  new Asset(scope, id, {
    path: join(root, 'bin'),
    ...new Bundle({ entries: [entry], sources }).assetOf(entry),
  });
