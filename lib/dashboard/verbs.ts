import * as z from 'zod/mini';
import type { Answer, Context } from '../cli/context.ts';
import { explain } from '../cli/look/explain.ts';
import { cancel } from '../cli/steer/cancel.ts';
import { type DrainOptions, drain } from '../cli/steer/drain.ts';
import { pause, resume } from '../cli/steer/pause.ts';
import { rebalance } from '../cli/steer/rebalance.ts';
import { retry } from '../cli/steer/retry.ts';
import { scaleIn, scaleOut } from '../cli/steer/scale.ts';
import { undrain } from '../cli/steer/undrain.ts';
import { UserError } from '../cli/user-error.ts';

/** Names of nodes, jobs, chunks and paths: none is longer than a path of a file. */
const name = z.string().check(z.minLength(1), z.maxLength(1_024));
const nodesMax = 1_000;
const zone = z.optional(name);
const nodes = z.object({ nodes: z.array(name).check(z.minLength(1), z.maxLength(nodesMax)) });
const drained = z.extend(nodes, {
  /** ISO 8601. */
  deadline: z.optional(z.iso.datetime({ offset: true })),
});
const launch = z.object({ count: z.int().check(z.minimum(1), z.maximum(nodesMax)), zone });

type Run = (context: Context, body: unknown) => Promise<Answer>;

const verb =
  <Body>(shape: z.ZodMiniType<Body>, run: (context: Context, body: Body) => Promise<Answer>): Run =>
  async (context, body) => {
    const parsed = shape.safeParse(body);
    if (parsed.success) return run(context, parsed.data);
    const fields = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new UserError(`The request is wrong: ${fields.join('; ')}.`);
  };

const nothing = z.object({});
const anyKind = { nodeClass: 'mixed' } as const;
const job = z.object({ job: name });
/** A job, or a batch of one that runs. */
const work = z.object({ what: name });

function drainOptions({ deadline }: z.infer<typeof drained>): DrainOptions {
  if (deadline === undefined) return {};
  const at = Date.parse(deadline);
  return { deadline: () => at };
}

/**
 * What the page may ask, each a command of the command line with its checks, its answers and its refusals.
 * A preview moves nothing; what acts does so at once, because the page has asked already.
 */
export const verbs: Readonly<Record<string, Run>> = {
  explain: verb(z.object({ id: name }), (context, { id }) => explain(context, id)),
  'preview-drain': verb(drained, (context, body) =>
    drain(context, body.nodes, { ...drainOptions(body), dryRun: true }),
  ),
  drain: verb(drained, (context, body) => drain(context, body.nodes, drainOptions(body))),
  undrain: verb(z.object({ node: name }), (context, { node }) => undrain(context, node)),
  cancel: verb(work, (context, { what }) => cancel(context, what, undefined)),
  pause: verb(work, (context, { what }) => pause(context, what, undefined)),
  resume: verb(work, (context, { what }) => resume(context, what, undefined)),
  retry: verb(job, (context, body) => retry(context, body.job, {})),
  'preview-rebalance': verb(nothing, (context) => rebalance(context, {})),
  rebalance: verb(nothing, (context) => rebalance(context, { yes: true })),
  'preview-scale-out': verb(launch, (context, body) =>
    scaleOut(context, body.count, body.zone, { ...anyKind, dryRun: true }),
  ),
  'scale-out': verb(launch, (context, body) => scaleOut(context, body.count, body.zone, anyKind)),
  'preview-scale-in': verb(nothing, (context) => scaleIn(context, { dryRun: true })),
};
