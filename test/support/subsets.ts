/** Every way of taking `size` of `items`, in order. */
export function subsetsOf<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  if (size === 0) return [[]];
  return items.flatMap((first, at) =>
    subsetsOf(items.slice(at + 1), size - 1).map((rest) => [first, ...rest]),
  );
}
