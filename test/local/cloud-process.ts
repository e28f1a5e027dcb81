/** Runs a local cloud in a process of its own, for tests that kill it: prints its endpoint as JSON. */
import { startCloud } from '../../lib/local/cloud.ts';

const [, , assembly = '', home = ''] = process.argv;
const { endpoint, environment, outputs } = await startCloud({ assembly, home });
console.log(JSON.stringify({ endpoint, environment, outputs }));
