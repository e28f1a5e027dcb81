import { useEffect, useState } from 'preact/hooks';
import { type Answered, type Ask, asRefused, type Refused } from './ask.ts';

/** A question on its way, its answer, or why there is none. */
export type Asked<Document> =
  | { readonly state: 'waiting' }
  | { readonly state: 'answered'; readonly answer: Answered<Document> }
  | { readonly state: 'refused'; readonly refused: Refused };

/** Asks when the dialog opens, and again whenever what is asked changes. */
export function useAsked<Document>(ask: Ask, verb: string, body: object = {}): Asked<Document> {
  const [asked, settle] = useState<Asked<Document>>({ state: 'waiting' });
  useEffect(() => {
    let isWanted = true;
    settle({ state: 'waiting' });
    ask<Document>(verb, body).then(
      (answer) => isWanted && settle({ state: 'answered', answer }),
      (error) => isWanted && settle({ state: 'refused', refused: asRefused(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [verb, JSON.stringify(body)]);
  return asked;
}
