import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CreateTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';

export interface Dynoxide {
  readonly url: string;
  stop(): Promise<void>;
}

/** An embedded DynamoDB on a free port, its file in a temporary directory of its own. */
export async function startDynoxide(): Promise<Dynoxide> {
  const name = `@dynoxide/${process.platform}-${process.arch}/package.json`;
  const binary = join(dirname(createRequire(import.meta.url).resolve(name)), 'dynoxide');
  const directory = await mkdtemp(join(tmpdir(), 'ballast-tables-'));
  const port = await freePort();
  const file = join(directory, 'tables.db');
  const child = spawn(binary, ['serve', '--port', String(port), '--db-path', file], {
    stdio: 'ignore',
  });
  const stop = async () => {
    await ended(child);
    await rm(directory, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilItAnswers(url, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

/** A table with the keys that every table of ours has. */
export async function createTable(client: DynamoDBClient, TableName: string): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
    }),
  );
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

/** 400 × 25 ms = 10 s; it takes about 50 ms. */
const answerTriesMax = 400;

async function untilItAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < answerTriesMax && child.exitCode === null; tries++) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer !== undefined) return;
    await delay(25);
  }
  throw new Error(`dynoxide did not answer at ${url}`);
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
