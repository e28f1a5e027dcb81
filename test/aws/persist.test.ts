import { describe, expect, test } from 'vitest';
import { failureOf } from '../../lib/aws/errors.ts';
import { persist, persistHarmless } from '../../lib/aws/persist.ts';
import { OutcomeUnknown, TryLater } from '../../lib/control/ports.ts';
import { atOnce, awsError, socketError } from './settings.ts';

const cancelled = (...codes: readonly string[]) =>
  awsError('TransactionCanceledException', 400, {
    CancellationReasons: codes.map((Code) => ({ Code })),
  });
const refused = awsError('ConditionalCheckFailedException');
const throttled = awsError('ThrottlingException');
const lost = socketError('ECONNRESET');
const denied = awsError('AccessDeniedException');

test.each<[behaviour: string, error: Error, failure: string]>([
  ['a condition that failed', refused, 'refused'],
  ['a condition of several', cancelled('None', 'ConditionalCheckFailed'), 'refused'],
  ['one beside a conflict', cancelled('TransactionConflict', 'ConditionalCheckFailed'), 'refused'],
  ['a conflict', cancelled('None', 'TransactionConflict'), 'passing'],
  ['a conflict of one write', awsError('TransactionConflictException'), 'passing'],
  ['no capacity', cancelled('ProvisionedThroughputExceeded', 'None'), 'passing'],
  ['a transaction that is malformed', cancelled('ValidationError', 'TransactionConflict'), 'other'],
  ['a transaction cancelled for no reason', cancelled('None'), 'other'],
  ['throttled', throttled, 'passing'],
  ['too many requests', awsError('Odd', 429), 'passing'],
  ['nobody listens', socketError('ECONNREFUSED'), 'passing'],
  ['the connection broke', lost, 'unknown'],
  ['no answer in time', awsError('TimeoutError', 0), 'unknown'],
  ['an internal error', awsError('InternalServerError', 500), 'unknown'],
  ['unavailable', awsError('ServiceUnavailable', 503), 'unknown'],
  ['an earlier try is under way', awsError('TransactionInProgressException'), 'unknown'],
  ['an answer cut off', Object.assign(new SyntaxError('JSON'), { $response: {} }), 'unknown'],
  ['denied', denied, 'other'],
  ['a bug', new TypeError('undefined is not a function'), 'other'],
])('means: %s', (_behaviour, error, failure) => expect(failureOf(error)).toBe(failure));

/** Fails with each error in turn, the last for ever; `ok` answers. */
function script(...turns: readonly (Error | 'ok')[]) {
  const sent = { times: 0 };
  const send = async () => {
    const turn = turns[Math.min(sent.times++, turns.length - 1)]!;
    if (turn === 'ok') return turn;
    throw turn;
  };
  return { send, sent };
}

describe('a write', () => {
  type How = 'repeat' | 'stop';
  type Case = [behaviour: string, how: How, turns: (Error | 'ok')[], ends: unknown, times: number];
  test.each<Case>([
    ['answered at once', 'stop', ['ok'], 'ok', 1],
    ['is sent again when it was turned away', 'stop', [throttled, throttled, 'ok'], 'ok', 3],
    ['is turned away for ever', 'stop', [throttled], TryLater, 8],
    ['whose answer was lost is not sent again', 'stop', [lost, 'ok'], OutcomeUnknown, 1],
    ['that a token keeps the same is sent again', 'repeat', [lost, 'ok'], 'ok', 2],
    ['gives up after three unknown outcomes', 'repeat', [lost], OutcomeUnknown, 3],
    ['stays unknown when turned away later', 'repeat', [lost, throttled], OutcomeUnknown, 8],
    ['stays unknown when denied later', 'repeat', [lost, denied], OutcomeUnknown, 2],
    ['refused is an answer', 'repeat', [lost, refused], refused, 2],
    ['denied is passed on', 'repeat', [denied], denied, 1],
  ])('%s', async (_behaviour, unknown, turns, ends, times) => {
    const { send, sent } = script(...turns);
    const ended = await persist(send, { unknown, wait: atOnce }).catch((error: unknown) => error);
    if (typeof ends === 'function') expect(ended).toBeInstanceOf(ends);
    else expect(ended).toBe(ends);
    expect(sent.times).toBe(times);
  });

  test('keeps the cause', async () => {
    const outcome = persist(script(lost).send, { unknown: 'stop', wait: atOnce });
    await expect(outcome).rejects.toMatchObject({ message: 'Error: ECONNRESET', cause: lost });
  });

  test('waits longer and longer, a second at most', async () => {
    const waits: number[] = [];
    const wait = async (ms: number) => waits.push(ms);
    await persist(script(throttled).send, { unknown: 'stop', wait }).catch(() => {});
    const most = [50, 100, 200, 400, 800, 1000, 1000];
    expect(waits).toHaveLength(most.length);
    expect(waits.every((ms, i) => ms >= 0 && ms <= most[i]!)).toBe(true);
    expect(new Set(waits).size).toBe(most.length);
  });
});

test('what is harmless never has an unknown outcome', async () => {
  await expect(persistHarmless(script(lost).send, atOnce)).rejects.toThrow(TryLater);
  await expect(persistHarmless(script(lost, lost, 'ok').send, atOnce)).resolves.toBe('ok');
  await expect(persistHarmless(script(lost, denied).send, atOnce)).rejects.toBe(denied);
});
