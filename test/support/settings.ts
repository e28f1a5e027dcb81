import { ControlEnv } from '../../lib/contract/env.ts';

/** A deployment's settings, as JSON: each value is its own name where nothing looks at it. */
export const deploymentSettings = JSON.stringify({
  ...Object.fromEntries(Object.keys(ControlEnv.shape).map((name) => [name, name])),
  BALLAST_SUBNETS: 'a=subnet-a,b=subnet-b,c=subnet-c',
  BALLAST_POLICY: '{"nodeCapacityBytes":1}',
  BALLAST_PORT: '7070',
});
