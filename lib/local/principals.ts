/**
 * Who calls: the local cloud gives each kind of caller an access key id of its own and reads it back from
 * the credential scope of every request. Nothing is verified; this is for counting, not for security.
 */
export const accountId = '000000000000';

const functionPrefix = 'AKIALAMBDA';
const named: Readonly<Record<string, string>> = {
  AKIABALLASTUSER: 'user',
  AKIAINSTANCES: 'instances',
  AKIAEVENTSOURCE: 'event-sources',
  AKIADEPLOYMENT: 'deployment',
  AKIAEVENTBUS: 'events',
};

export const userKey = 'AKIABALLASTUSER';
export const instancesKey = 'AKIAINSTANCES';
export const eventSourceKey = 'AKIAEVENTSOURCE';
export const deploymentKey = 'AKIADEPLOYMENT';
export const eventBusKey = 'AKIAEVENTBUS';
export const functionKey = (logicalId: string): string => `${functionPrefix}${logicalId}`;

/** `user`, `instances`, `event-sources`, `deployment`, `events`, `function:<logical id>`, else the key id itself. */
export const principalOf = (accessKeyId: string): string =>
  accessKeyId.startsWith(functionPrefix)
    ? `function:${accessKeyId.slice(functionPrefix.length)}`
    : (named[accessKeyId] ?? accessKeyId);

/** What an SDK v3 client needs in its environment to speak with the local cloud as this principal. */
export const clientEnvironment = (
  endpoint: string,
  region: string,
  accessKeyId: string,
): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: 'local',
});

/** The `authorization` header of a request that nobody verifies. */
export const scopeHeader = (accessKeyId: string, region: string, service: string): string =>
  `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20260101/${region}/${service}/aws4_request, ` +
  'SignedHeaders=host, Signature=local';
