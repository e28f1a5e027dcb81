import type { Sample } from './metrics.ts';

interface Directive {
  readonly Namespace: string;
  readonly Dimensions?: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string }[];
}

/**
 * The metrics in a line of a function's log, in the embedded metric format
 * (docs.aws.amazon.com/AmazonCloudWatch, "Embedded metric format specification"); none in any other line.
 */
export function metricsIn(line: string): Sample[] {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return [];
  const record = parse(line);
  const aws = record?._aws as
    | { Timestamp: number; CloudWatchMetrics?: readonly Directive[] }
    | undefined;
  if (record === undefined || aws === undefined) return [];
  return (aws.CloudWatchMetrics ?? []).flatMap((directive) =>
    samplesOf(directive, record, aws.Timestamp),
  );
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined; // a line of text that happens to look like a metric
  }
}

function samplesOf(
  { Namespace, Dimensions = [[]], Metrics }: Directive,
  record: Record<string, unknown>,
  time: number,
): Sample[] {
  return Dimensions.flatMap((names) => {
    const dimensions = Object.fromEntries(names.map((name) => [name, String(record[name])]));
    return Metrics.flatMap(({ Name }) =>
      [record[Name]]
        .flat()
        .flatMap((value) =>
          typeof value === 'number'
            ? [{ namespace: Namespace, name: Name, dimensions, time, value, weight: 1 }]
            : [],
        ),
    );
  });
}
