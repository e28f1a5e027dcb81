import type { KeyObject } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { signingKey } from '../contract/capability.ts';
import { sentOnce } from './client-options.ts';
import type { Settings } from './config.ts';
import { persistHarmless } from './persist.ts';

export type FleetKey = () => Promise<KeyObject>;

const secretCharactersMin = 32;

/**
 * The fleet's signing key, read once a process and shared by all who ask; a failed read is read
 * again.
 */
export const fleetKey = ({ secret }: Settings): FleetKey => {
  const known =
    keys.get(secret) ?? once(() => readKey(new SecretsManagerClient(sentOnce(5_000)), secret));
  keys.set(secret, known);
  return known;
};

const keys = new Map<string, FleetKey>();

function once(read: FleetKey): FleetKey {
  let reading: Promise<KeyObject> | undefined;
  return () => {
    reading ??= read().catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}

async function readKey(client: SecretsManagerClient, SecretId: string): Promise<KeyObject> {
  const send = () => client.send(new GetSecretValueCommand({ SecretId }));
  const { SecretString = '' } = await persistHarmless(send, pause);
  if (SecretString.length < secretCharactersMin) {
    const problem = `${SecretString.length} characters, expected ${secretCharactersMin} or more`;
    throw new Error(`secret ${SecretId} has ${problem}`);
  }
  return signingKey(SecretString);
}
