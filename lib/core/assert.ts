/** A bug of ours, not the world's doing: ends the step that meets it. */
export function assert(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Error(`broken promise: ${promise}`);
}
