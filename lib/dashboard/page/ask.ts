import { explainBlock } from '../../core/explain-block.ts';
import type { Block } from '../../core/plan.ts';
import type { Remedy } from '../../core/remedy.ts';

/** What a verb answers: the document of the command line, and its words. */
export interface Answered<Document> {
  readonly document: Document;
  readonly text: string;
}

/** The server said no, and why: one sentence, each thing in the way, and what would have to give. */
export class Refused extends Error {
  readonly blocks: readonly string[];
  readonly remedies: readonly Remedy[];

  constructor(sentence: string, blocks: readonly Block[] = [], remedies: readonly Remedy[] = []) {
    super(sentence);
    this.blocks = blocks.map(explainBlock);
    this.remedies = remedies;
  }
}

export type Ask = <Document>(verb: string, body?: object) => Promise<Answered<Document>>;

/** Asks with the page's key. @throws Refused */
export const askWith =
  (key: string): Ask =>
  async <Document>(verb: string, body: object = {}) => {
    const response = await fetch(`/api/verbs/${verb}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Refused(answer.error, answer.blocks, answer.remedies);
    return answer as Answered<Document>;
  };

export const asRefused = (error: unknown): Refused =>
  error instanceof Refused ? error : new Refused('The server does not answer.');
