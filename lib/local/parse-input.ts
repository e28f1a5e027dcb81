import { z } from 'zod/mini';
import { AwsError } from './refusal.ts';

/** An action's input, or ValidationException that names every field that is wrong. */
export function parseInput<Shape extends z.core.$ZodType>(
  shape: Shape,
  input: unknown,
): z.output<Shape> {
  const parsed = z.safeParse(shape, input);
  if (parsed.success) return parsed.data;
  throw new AwsError('ValidationException', z.prettifyError(parsed.error));
}
