import type { Answer, Io, World } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { buildProgram } from './program.ts';

/** Runs one command line. What it answers goes to standard output; what goes wrong, in one sentence, to standard error. */
export async function main(argv: readonly string[], io: Io, world: World): Promise<number> {
  const wantsJson = argv.includes('--json');
  let exitCode: number = exitCodes.ok;
  const answered = (answer: Answer | number): void => {
    if (typeof answer === 'number') {
      exitCode = answer;
      return;
    }
    io.out(wantsJson ? `${JSON.stringify(answer.document, null, 2)}\n` : ended(answer.text()));
    exitCode = answer.exitCode ?? exitCodes.ok;
  };
  try {
    await buildProgram(io, world, answered).parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return isHelp(error) ? helpExit(error) : fail(error, io, wantsJson);
  }
}

const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

const isHelp = (error: unknown): error is { code: string } =>
  ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(
    (error as { code?: string }).code ?? '',
  );

/** Help that was asked for is an answer; help for want of a command is a mistake. */
const helpExit = (error: { code: string }): number =>
  error.code === 'commander.help' ? exitCodes.usage : exitCodes.ok;

function fail(error: unknown, io: Io, wantsJson: boolean): number {
  const { sentence, exitCode, detail } = failureOf(error);
  io.err(`ballast: ${sentence}\n`);
  if (wantsJson)
    io.out(`${JSON.stringify({ error: { message: sentence, exitCode, ...detail } }, null, 2)}\n`);
  return exitCode;
}
