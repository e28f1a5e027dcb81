import type { FileProblem } from '../../client/refusal.ts';
import { show } from '../../client/store-path.ts';
import { exitCodes } from '../exit-codes.ts';

/** Problems that are listed one by one for people; the document has all of them. */
const problemsShownMax = 20;

/** One sentence a problem. */
export function problemLines(problems: readonly FileProblem[]): readonly string[] {
  const shown = problems.slice(0, problemsShownMax);
  const lines = shown.map(({ path, problem }) => `${show(path)} ${problem}.`);
  const more = problems.length - shown.length;
  return more > 0 ? [...lines, `${more} more files have problems: --json lists them.`] : lines;
}

export const exitCodeFor = (problems: readonly FileProblem[]) =>
  problems.length > 0 ? exitCodes.failed : exitCodes.ok;
