import { nodeId } from '../../core/ids.ts';
import { explainRemedy } from '../../core/remedy.ts';
import type { Refused } from './ask.ts';

interface RefusalProps {
  readonly refused: Refused;
  /** That were to drain. */
  readonly nodes?: readonly string[];
}

/** A no with all that stands against it and all that would have to give, each on a line. */
export const Refusal = ({ refused: { message, blocks, remedies }, nodes = [] }: RefusalProps) => (
  <div class="refusal" role="alert">
    <strong>{blocks.length > 0 ? 'It may not happen now:' : message}</strong>
    <Lines lines={blocks} />
    {remedies.length > 0 && <strong class="ways">What would let it happen:</strong>}
    <Lines lines={remedies.map((remedy) => explainRemedy(remedy, nodes.map(nodeId)))} />
  </div>
);

const Lines = ({ lines }: { readonly lines: readonly string[] }) =>
  lines.length === 0 ? null : (
    <ul>
      {lines.map((line) => (
        <li key={line}>{line}</li>
      ))}
    </ul>
  );
