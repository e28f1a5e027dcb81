/** Where the runbook is read; a heading is added to it. */
const runbookPage = 'docs/runbook.md';

/** An alarm's description: what it says, and the heading that tells what to do. */
export const runbook = (what: string, heading: string): string =>
  `${what}. What to do: ${runbookPage}#${heading}`;
