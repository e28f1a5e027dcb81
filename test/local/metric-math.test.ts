import { describe, expect, test } from 'vitest';
import { compileExpression, MetricMathError } from '../../lib/local/metric-math.ts';

const metrics: Record<string, number> = { m1: 3, m2: 4, zero: 0 };
const evaluate = (text: string) => compileExpression(text)((name) => metrics[name]);

describe('metric math', () => {
  test.each<[expression: string, value: number | undefined]>([
    ['m1 + m2 * 2', 11],
    ['(m1 + m2) * 2', 14],
    ['m1 - m2 - 1', -2],
    ['-m1 + 10', 7],
    ['100 * m1 / m2', 75],
    ['MAX([m1, m2])', 4],
    ['MIN([m1, m2]) + SUM([m1, m2]) + AVG([m1, m2])', 13.5],
    ['MAX([m1, absent])', 3],
    ['SUM(m1)', 3],
    ['IF(m1 > m2, 1, 0)', 0],
    ['IF(m1 <= m2, m1)', 3],
    ['IF(zero, 1)', undefined],
    ['FILL(absent, 7) + 1', 8],
    ['m1 + absent', undefined],
    ['m1 / zero', undefined],
    ['(m1 != m2) + (m1 == m1) + (m2 >= m1)', 3],
  ])('%s = %s', (expression, value) => expect(evaluate(expression)).toBe(value));

  test.each(['m1 +', 'RATE(m1)', '[m1, m2]', 'm1 $ m2', 'MAX([m1, m2)', '(m1', 'm1 m2'])(
    'refuses %s',
    (expression) => expect(() => compileExpression(expression)).toThrow(MetricMathError),
  );
});
