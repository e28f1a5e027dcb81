import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backgroundFactor, type NodeLoad, silenceMsMax } from '../../lib/core/throttle.ts';

const idle: NodeLoad = { cpu: 0.1, memory: 0.2, ioWait: 0 };

describe('the policy load', () => {
  test.each<[behaviour: string, load: Partial<NodeLoad>, factor: number]>([
    ['an idle node gives all', {}, 1],
    ['80 % CPU is not yet too much', { cpu: 0.8 }, 1],
    ['above 80 % CPU it gives 80/cpu', { cpu: 1 }, 0.8],
    ['85 % memory is not yet too much', { memory: 0.85 }, 1],
    ['above 85 % memory it gives 85/memory', { memory: 1 }, 0.85],
    ['30 % I/O wait is not yet too much', { ioWait: 0.3 }, 1],
    ['above 30 % I/O wait it gives 30/iowait', { ioWait: 0.6 }, 0.5],
    ['all of them together multiply', { cpu: 1, memory: 1, ioWait: 1 }, 0.8 * 0.85 * 0.3],
  ])('%s', (_behaviour, load, factor) => {
    expect(backgroundFactor({ ...idle, ...load }, 0)).toBeCloseTo(factor, 10);
  });

  test.each<[behaviour: string, silence: number | 'never-told', factor: number]>([
    ['missing metrics slow it', 1, 0.5],
    ['to the end of the limit', silenceMsMax, 0.5],
    ['and then hold it', silenceMsMax + 1, 0],
    ['a platform that never told any is only slowed', 'never-told', 0.5],
  ])('%s', (_behaviour, silence, factor) => {
    const unknown = { cpu: null, memory: null, ioWait: null };
    expect(backgroundFactor(unknown, silence)).toBe(factor);
  });

  test('more load never gives more, and never less than a tenth while it is told', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const load = fc.record({ cpu: share, memory: share, ioWait: share });
    fc.assert(
      fc.property(load, share, fc.constantFrom('cpu', 'memory', 'ioWait'), (at, more, which) => {
        const busier = { ...at, [which]: Math.max(at[which], more) };
        const factor = backgroundFactor(busier, 0);
        expect(factor).toBeLessThanOrEqual(backgroundFactor(at, 0));
        expect(factor).toBeGreaterThanOrEqual(0.1);
      }),
    );
  });
});
