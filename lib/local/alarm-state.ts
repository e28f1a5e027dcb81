/** Alarm states from data points, as CloudWatch decides them ("Configuring how CloudWatch alarms treat missing data"). */
export type AlarmValue = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
export type MissingData = 'breaching' | 'notBreaching' | 'ignore' | 'missing';

export interface AlarmRule {
  readonly comparison: string;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missingData: MissingData;
}

/** CloudWatch looks at a few more periods than it needs, so that a late point does not count as missing. */
export const extraPeriods = 2;

const comparisons: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};
export const isComparison = (name: string): boolean => name in comparisons;

/** `points` are the last `evaluationPeriods + extraPeriods` periods, oldest first, `undefined` where no data. */
export function stateFrom(
  rule: AlarmRule,
  points: readonly (number | undefined)[],
  current: AlarmValue,
): AlarmValue {
  const present = points.filter((point) => point !== undefined).slice(-rule.evaluationPeriods);
  const missing = rule.evaluationPeriods - present.length;
  const breaches = comparisons[rule.comparison] ?? (() => false);
  const breaching = present.filter((value) => breaches(value, rule.threshold)).length;
  const wanted = rule.datapointsToAlarm;
  if (rule.missingData === 'breaching') return breaching + missing >= wanted ? 'ALARM' : 'OK';
  if (rule.missingData === 'notBreaching') return breaching >= wanted ? 'ALARM' : 'OK';
  if (breaching >= wanted) return 'ALARM';
  if (rule.missingData === 'ignore') {
    const fine = present.length - breaching;
    return fine > rule.evaluationPeriods - wanted ? 'OK' : current;
  }
  if (present.length === 0) return 'INSUFFICIENT_DATA';
  return breaching === present.length && present.length < wanted ? 'ALARM' : 'OK';
}
