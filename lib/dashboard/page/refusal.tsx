import type { Refused } from './ask.ts';

/** A no with all that stands against it, each on a line. */
export const Refusal = ({ refused: { message, blocks } }: { readonly refused: Refused }) => (
  <div class="refusal" role="alert">
    <strong>{blocks.length > 0 ? 'It may not happen now:' : message}</strong>
    {blocks.length > 0 && (
      <ul>
        {blocks.map((block) => (
          <li key={block}>{block}</li>
        ))}
      </ul>
    )}
  </div>
);
