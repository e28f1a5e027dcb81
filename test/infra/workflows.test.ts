// @ts-expect-error: it ships no types
import aslValidator from 'asl-validator';
import { beforeAll, describe, expect, test } from 'vitest';
import { flat, ofType, synthesise } from './synthesis.ts';

interface State {
  readonly Type: string;
  readonly Next?: string;
  readonly Default?: string;
  readonly Choices?: readonly { readonly StringEquals: string; readonly Next: string }[];
  readonly Retry?: readonly Record<string, unknown>[];
  readonly Catch?: readonly { readonly Next: string }[];
  readonly SecondsPath?: string;
  readonly Parameters?: { readonly Payload: Record<string, unknown> };
}
interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

let machines: ReadonlyMap<string, Definition>;
beforeAll(() => {
  const { all } = synthesise();
  machines = new Map(
    ofType(all, 'AWS::StepFunctions::StateMachine').map(([, { Properties }]) => [
      Properties.StateMachineName,
      JSON.parse(flat(Properties.DefinitionString).replaceAll('<AWS::Partition>', 'aws')),
    ]),
  );
});

const names = ['ballast-scale-out', 'ballast-drain', 'ballast-rebalance', 'ballast-repair'];

/** What each step answers, in turn; the last answer is repeated. */
type Script = Readonly<Record<string, readonly string[]>>;

/** The tasks that run, with waits as `…`, until the machine ends. */
function walk({ StartAt, States }: Definition, script: Script): string {
  const asked = new Map<string, number>();
  const seen: string[] = [];
  let verdict = '';
  for (let at: string | undefined = StartAt; at !== undefined && seen.length < 60; ) {
    const state: State = States[at]!;
    if (state.Type === 'Wait') seen.push('…');
    if (state.Type === 'Task') {
      const answers = script[at] ?? [];
      const turn = asked.get(at) ?? 0;
      asked.set(at, turn + 1);
      verdict = answers[Math.min(turn, answers.length - 1)] ?? '';
      seen.push(verdict === 'throws' ? `${at}!` : at);
    }
    if (state.Type === 'Choice') {
      at =
        state.Choices!.find(({ StringEquals }) => StringEquals === verdict)?.Next ?? state.Default;
    } else at = verdict === 'throws' && state.Catch ? state.Catch[0]!.Next : state.Next;
  }
  return seen.join(' ');
}

test('its tasks are named in whatever partition it is deployed to', () => {
  const { all } = synthesise();
  for (const [, { Properties }] of ofType(all, 'AWS::StepFunctions::StateMachine'))
    expect(flat(Properties.DefinitionString)).not.toContain('arn:aws:');
});

test('there are four, and each is valid Amazon States Language', () => {
  expect([...machines.keys()].sort()).toEqual([...names].sort());
  for (const definition of machines.values()) {
    const { isValid, errors } = aslValidator(definition);
    expect(errors).toEqual([]);
    expect(isValid).toBe(true);
  }
});

describe('paths', () => {
  const loop = { Plan: ['moves', 'none'], Pace: ['pending', 'settled'] };
  test.each<[behaviour: string, machine: string, script: Script, path: string]>([
    [
      'a drain moves until a plan finds nothing, proves, and terminates',
      'ballast-drain',
      {
        Admit: ['go'],
        Connections: ['busy', 'idle'],
        ...loop,
        Prove: ['proved'],
        Terminate: ['waiting', 'gone'],
      },
      'Admit … Connections … Connections Plan Pace … Pace Plan Prove Terminate … Terminate FinishDone',
    ],
    [
      'a drain that may not start says so',
      'ballast-drain',
      { Admit: ['blocked'] },
      'Admit FinishBlocked',
    ],
    [
      'a proof that does not hold plans again',
      'ballast-drain',
      {
        Admit: ['go'],
        Connections: ['idle'],
        Plan: ['none'],
        Prove: ['held', 'proved'],
        Terminate: ['gone'],
      },
      'Admit … Connections Plan Prove … Plan Prove Terminate FinishDone',
    ],
    [
      'a plan without room waits and tries again',
      'ballast-repair',
      { Plan: ['blocked', 'none'] },
      'Plan … Plan FinishDone',
    ],
    [
      'a cancelled drain gives back',
      'ballast-drain',
      { Admit: ['go'], Connections: ['idle'], Plan: ['moves'], Pace: ['cancelled'] },
      'Admit … Connections Plan Pace FinishCancelled',
    ],
    [
      'a scale-out levels once its nodes joined',
      'ballast-scale-out',
      { Launch: ['launched'], Join: ['waiting', 'joined'], ...loop },
      'Launch Join … Join Plan Pace … Pace Plan FinishDone',
    ],
    [
      'a scale-out of which no node joined fails',
      'ballast-scale-out',
      { Launch: ['launched'], Join: ['failed'] },
      'Launch Join FinishFailed',
    ],
    [
      'an error after all retries ends the job',
      'ballast-rebalance',
      { Plan: ['throws'] },
      'Plan! FinishFailed',
    ],
    [
      'an unknown verdict ends the job',
      'ballast-rebalance',
      { Plan: ['perhaps'] },
      'Plan FinishFailed',
    ],
  ])('%s', (_behaviour, machine, script, path) => {
    expect(walk(machines.get(machine)!, script)).toBe(path);
  });
});

test('nothing but a proof leads to Terminate', () => {
  const { States } = machines.get('ballast-drain')!;
  const edges = Object.entries(States).flatMap(([from, state]) =>
    [state.Next, state.Default, ...(state.Catch ?? []).map(({ Next }) => Next)]
      .map((to) => ({ from, to, on: 'always' }))
      .concat((state.Choices ?? []).map(({ Next, StringEquals: on }) => ({ from, to: Next, on }))),
  );
  const leading = edges.filter(({ to }) => to === 'Terminate');
  expect(leading).toEqual([
    { from: 'AfterProve', to: 'Terminate', on: 'proved' },
    { from: 'WaitToTerminate', to: 'Terminate', on: 'always' },
  ]);
  expect(edges.filter(({ to }) => to === 'WaitToTerminate').map(({ from }) => from)).toEqual([
    'AfterTerminate',
  ]);
});

test.each(names)('%s: every task tries again with bounds and jitter, and names its job', (name) => {
  for (const [id, state] of Object.entries(machines.get(name)!.States)) {
    if (state.Type === 'Wait') expect(state.SecondsPath).toBe('$.step.waitSeconds');
    if (state.Type !== 'Task') continue;
    expect([id, state.Retry?.[0]]).toEqual([
      id,
      expect.objectContaining({ JitterStrategy: 'FULL', MaxAttempts: 12, MaxDelaySeconds: 60 }),
    ]);
    expect(state.Parameters?.Payload['job.$']).toBe('$.job');
    expect(state.Catch?.[0]?.Next).toBe(id.startsWith('Finish') ? undefined : 'FinishFailed');
  }
});
