import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { UserError } from '../user-error.ts';
import { localContext } from './local-context.ts';

/** So much of what a failed synthesis says is kept: an error and its stack fit. */
const complaintChars = 16_384;

export type Renewal = 'keep' | 'renew';

/** The assembly of a home, synthesised when it has none: `keep` leaves one that is there, edits and all. */
export async function assemblyOf(
  context: Context,
  { nodeCapacityBytes, nodes }: { readonly nodeCapacityBytes: number; readonly nodes: number },
  renewal: Renewal,
): Promise<string> {
  const { globals, io } = context;
  const assembly = resolve(globals.home, 'cdk.out');
  if (renewal === 'keep' && existsSync(join(assembly, 'manifest.json'))) return assembly;
  mkdirSync(globals.home, { recursive: true });
  const next = `${assembly}.${process.pid}`;
  try {
    io.err('Synthesising the template …\n');
    await synthesise(context, next, localContext(nodeCapacityBytes, nodes));
    rmSync(assembly, { recursive: true, force: true });
    renameSync(next, assembly);
  } finally {
    rmSync(next, { recursive: true, force: true });
  }
  return assembly;
}

/** The template is the same: CloudFormation's rules are checked where it is deployed, and in the tests. */
const quickSynthesis = { CDK_VALIDATION: 'false', AWS_EC2_METADATA_DISABLED: 'true' };

/** Runs the CDK app as the cdk command does: where to write and what to know come by environment. */
export function synthesise(
  { io, world }: Context,
  out: string,
  cdkContext: Readonly<Record<string, unknown>>,
): Promise<void> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [world.appFile], {
      env: {
        ...process.env,
        ...quickSynthesis,
        CDK_OUTDIR: out,
        CDK_CONTEXT_JSON: JSON.stringify(cdkContext),
      },
      stdio: ['ignore', 'ignore', 'pipe'],
      signal: io.interrupted,
    });
    let complaint = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      complaint = (complaint + text).slice(0, complaintChars);
    });
    child.on('error', failed);
    child.on('close', (code) => {
      if (code === 0) done();
      else
        failed(
          new UserError(
            `The template cannot be synthesised: ${errorIn(complaint)}`,
            exitCodes.failed,
          ),
        );
    });
  });
}

/** The message of the first error that it names, without the stack; else its last line. */
const errorIn = (complaint: string): string =>
  /^\w*Error: (.+)$/m.exec(complaint)?.[1] ?? complaint.trim().split('\n').at(-1) ?? '';
