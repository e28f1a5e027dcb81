import { z } from 'zod/mini';
import type { MetricQuery } from './alarms.ts';
import { isStatistic } from './metrics.ts';

/** Metrics as alarms and GetMetricData name them: one shape in templates and on the wire. */
export const Dimensions = z.optional(
  z.array(z.object({ Name: z.string(), Value: z.coerce.string() })),
);

export const asRecord = (dimensions: z.infer<typeof Dimensions>): Record<string, string> =>
  Object.fromEntries((dimensions ?? []).map(({ Name, Value }) => [Name, Value]));

export const Statistic = z.string().check(z.refine(isStatistic, 'not a statistic served locally'));

export const Query = z
  .object({
    Id: z.string(),
    Label: z.optional(z.string()),
    Expression: z.optional(z.string()),
    Period: z.optional(z.coerce.number()),
    ReturnData: z.optional(z.boolean()),
    MetricStat: z.optional(
      z.object({
        Metric: z.object({ Namespace: z.string(), MetricName: z.string(), Dimensions }),
        Period: z.coerce.number(),
        Stat: Statistic,
      }),
    ),
  })
  .check(
    z.refine(
      ({ Expression, MetricStat }) => (Expression === undefined) !== (MetricStat === undefined),
      'exactly one of Expression and MetricStat is needed',
    ),
  );

export function queryOf({
  Id,
  Expression,
  MetricStat,
  ReturnData,
}: z.infer<typeof Query>): MetricQuery {
  const returnsData = ReturnData === false ? 'no' : 'yes';
  if (!MetricStat) return { id: Id, source: { expression: Expression ?? '' }, returnsData };
  const { Metric, Stat: statistic, Period: periodSeconds } = MetricStat;
  const metric = {
    namespace: Metric.Namespace,
    name: Metric.MetricName,
    dimensions: asRecord(Metric.Dimensions),
  };
  return { id: Id, source: { metric, statistic, periodSeconds }, returnsData };
}
