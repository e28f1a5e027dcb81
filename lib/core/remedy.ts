import type { ChunkId, JobId, NodeId, Zone } from './ids.ts';
import type { Bytes, BytesPerSecond, EpochMillis } from './units.ts';

/** A change that would let a refused drain happen: the smallest of its kind, tried on the plan itself. */
export type Remedy =
  /** Without these nodes the others can drain. */
  | { readonly kind: 'leave-out'; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'raise-fill-hard'; readonly fillHard: number }
  | {
      readonly kind: 'add-nodes';
      readonly zone: Zone;
      readonly nodes: number;
      /** Short in the zone now. */
      readonly lackingBytes: Bytes;
    }
  /** Chunks that lack holders; the list may be the first few. */
  | { readonly kind: 'repair-first'; readonly chunks: readonly ChunkId[] }
  | { readonly kind: 'later-deadline'; readonly deadline: EpochMillis }
  | { readonly kind: 'raise-node-rate'; readonly rate: BytesPerSecond }
  | { readonly kind: 'pause-jobs'; readonly jobs: readonly JobId[] };

/** The remedy as a clause for people, with the command that does it. @param nodes that were to drain */
export function explainRemedy(remedy: Remedy, nodes: readonly NodeId[]): string {
  switch (remedy.kind) {
    case 'leave-out': {
      const rest = nodes.filter((node) => !remedy.nodes.includes(node));
      return rest.length === 0
        ? `leave ${remedy.nodes.join(', ')} out`
        : `leave ${remedy.nodes.join(', ')} out: \`ballast drain ${rest.join(' ')}\``;
    }
    case 'raise-fill-hard':
      return `fill nodes further: \`ballast policy set fillHard=${remedy.fillHard}\``;
    case 'add-nodes':
      return `add room: \`ballast scale out ${remedy.nodes} --zone ${remedy.zone}\``;
    case 'repair-first':
      return `wait for the repair of ${remedy.chunks.length} chunks: \`ballast jobs\` shows it`;
    case 'later-deadline':
      return `allow it until ${new Date(remedy.deadline).toISOString()} with --deadline`;
    case 'raise-node-rate':
      return `move faster: \`ballast policy set nodeRateBytes=${remedy.rate}\``;
    case 'pause-jobs':
      return `let others wait: ${remedy.jobs.map((job) => `\`ballast pause ${job}\``).join(', ')}`;
  }
}
