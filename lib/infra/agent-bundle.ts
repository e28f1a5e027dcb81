import { join } from 'node:path';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import type { Construct } from 'constructs';
import { bundled } from './bundle.ts';
import { lockFile, root } from './sources.ts';

const entry = 'bin/node-agent.ts';
const sources = ['lib/{core,contract,control,agent}/**/*.ts', entry, lockFile];

/** The node agent, `index.mjs` and the modules beside it, for instances to fetch. */
export const agentBundle = (scope: Construct, id: string): Asset =>
  new Asset(scope, id, {
    path: join(root, 'bin'),
    ...bundled({ entries: { index: entry }, sources }),
  });
