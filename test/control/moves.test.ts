import { expect, test } from 'vitest';
import { batchKey, flightKey, outboxPartition } from '../../lib/contract/keys.ts';
import { migrate } from '../../lib/control/migrate.ts';
import { pace } from '../../lib/control/pace.ts';
import { NodeUnreachable, OutcomeUnknown, TryLater } from '../../lib/control/ports.ts';
import { sweep } from '../../lib/control/sweep.ts';
import { batchId, jobId, nodeId } from '../../lib/core/ids.ts';
import { forever, jobOf, putFile } from './acts.ts';
import { batchOf, ends, flights, sent } from './moving.ts';

test('the same message twice at once moves everything once, and counts it once', async () => {
  const { world, ports, job, message, full } = await sent();
  const moves = world.node(full).chunks.length;
  let second: Promise<void> | undefined;
  world.beforePullEvent = async () => {
    world.beforePullEvent = () => {};
    second = migrate(ports, message, forever);
    await second;
  };
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({ state: 'ended', movesDone: moves });
  expect(flights(world)).toEqual([]);
  await migrate(ports, message, forever);
  await ends(world, job);
  expect(jobOf(world, job).movesDone).toBe(moves);
});

test('a worker that finds all done by its twin does not forget what the twin did', async () => {
  const { world, ports, job, message, full } = await sent();
  const moves = world.node(full).chunks.length;
  const [twinCommitted, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let twin: Promise<void> | undefined;
  world.beforeQuery = async (pk) => {
    if (pk !== 'F') return;
    // This worker has read the flight. Now the twin commits all, and stalls before the end.
    world.beforeQuery = () => {};
    world.beforeWrite = async (ops) => {
      if (ops[0]?.op !== 'delete') return;
      world.beforeWrite = () => {};
      twinCommitted.resolve();
      await ended.promise;
    };
    twin = migrate(ports, message, forever);
    await twinCommitted.promise;
  };
  await migrate(ports, message, forever);
  ended.resolve();
  await twin;
  expect(batchOf(world, message)).toMatchObject({ state: 'ended', movesDone: moves });
  await ends(world, job);
});

test('an older worker is superseded at its next commit', async () => {
  const { world, ports, job, message } = await sent();
  world.beforeWrite = async (ops) => {
    if (ops.length < 3) return;
    world.beforeWrite = () => {};
    world.pass(ports.policy.flightLimitMs + 1);
    await pace(ports, job);
  };
  await migrate(ports, message, forever);
  expect(flights(world)).toMatchObject([{ token: 2, movesDone: 0 }]);
  await ends(world, job);
});

test.each([
  ['its answer is lost', () => new OutcomeUnknown('lost')],
  ['the table is busy', () => new TryLater('throttled')],
])('a commit is found again when %s', async (_what, error) => {
  const { world, ports, job, message } = await sent();
  let lost = 2;
  world.afterWrite = (ops) => {
    if (ops.length > 3 && lost-- > 0) throw error();
  };
  await migrate(ports, message, forever).catch(() => {});
  world.afterWrite = () => {};
  expect(world.problems()).toEqual([]);
  await migrate(ports, message, forever);
  await ends(world, job);
  expect(world.orphans().filter((orphan) => !orphan.includes('on a'))).toEqual([]);
});

test('an outcome that stays unknown is passed on, and nothing is deleted', async () => {
  const { world, ports, job, message, to } = await sent();
  world.beforeWrite = (ops) => {
    if (ops.length > 3) throw new OutcomeUnknown('no answer');
  };
  await expect(migrate(ports, message, forever)).rejects.toThrow(OutcomeUnknown);
  expect(world.node(to).chunks.length).toBeGreaterThan(0);
  expect(flights(world)).toHaveLength(1);
  world.beforeWrite = () => {};
  await ends(world, job);
});

test('a destination that stops taking copies gets nothing', async () => {
  const { world, ports, message, to, full } = await sent();
  world.beforeWrite = async (ops) => {
    if (ops.length < 3) return;
    world.beforeWrite = () => {};
    world.store.write([{ op: 'update', key: guardOf(to), set: { state: 'dead', epoch: 4 } }]);
    for (let k = 0; k < 8; k++) {
      const key = { table: 'placement', pk: `N#${to}`, sk: `G#${k}` } as const;
      world.store.write([{ op: 'put', key, fields: { state: 'dead', epoch: 4 } }]);
    }
  };
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({
    state: 'ended',
    movesDone: 0,
    failures: [`${to} takes no copies any more`],
  });
  expect(world.problems()).toEqual([]);
  const chunk = world.node(full).chunks[0]!;
  expect(world.placement(chunk)!.holders).toContain(full);
});

const guardOf = (node: string) => ({ table: 'placement', pk: 'F', sk: `N#${node}` }) as const;

test('a destination that left before the worker came is not asked', async () => {
  const { world, ports, message, to } = await sent();
  world.store.write([{ op: 'update', key: guardOf(to), set: { state: 'draining' } }]);
  await migrate(ports, message, forever);
  expect((batchOf(world, message)!.failures as string[])[0]).toContain(`${to} takes no copies`);
  expect(flights(world)).toEqual([]);
});

test('chunks that changed meanwhile drop out of a commit, and their copies go', async () => {
  const { world, ports, job, message, to, full } = await sent();
  const [changed, ...others] = world.node(full).chunks;
  world.beforeWrite = (ops) => {
    if (ops.length < 3) return;
    world.beforeWrite = () => {};
    const key = { table: 'placement', pk: `C#${changed}`, sk: 'C' } as const;
    world.store.write([{ op: 'update', key, add: { version: 1 } }]);
  };
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({ movesDone: others.length });
  expect(world.node(to).chunks).not.toContain(changed);
  expect(world.problems()).toEqual([]);
  await ends(world, job);
});

test('a refused copy that its node had parked before stays until its time', async () => {
  const { world, ports, message, to, full } = await sent();
  const [changed] = world.node(full).chunks;
  const key = { table: 'placement', pk: outboxPartition(nodeId(to)), sk: 'earlier' } as const;
  const fields = { chunks: [changed!], versions: [], notBefore: world.nowMs + 1_000 };
  world.store.write([{ op: 'put', key, fields }]);
  world.beforeWrite = (ops) => {
    if (ops.length < 3) return;
    world.beforeWrite = () => {};
    const placement = { table: 'placement', pk: `C#${changed}`, sk: 'C' } as const;
    world.store.write([{ op: 'update', key: placement, add: { version: 1 } }]);
  };
  await migrate(ports, message, forever);
  expect(world.node(to).chunks).toContain(changed);
  world.pass(1_000);
  await sweep(ports, [nodeId(to)]);
  expect(world.node(to).chunks).not.toContain(changed);
  expect(world.problems()).toEqual([]);
});

test('a copy that cannot be taken back is left to be collected', async () => {
  const { world, ports, job, message, full } = await sent();
  const [changed] = world.node(full).chunks;
  world.beforeWrite = (ops) => {
    if (ops.length < 3) return;
    world.beforeWrite = () => {};
    const key = { table: 'placement', pk: `C#${changed}`, sk: 'C' } as const;
    world.store.write([{ op: 'update', key, add: { version: 1 } }]);
  };
  world.beforeRemove = () => {
    world.beforeRemove = () => {};
    throw new NodeUnreachable('away');
  };
  await migrate(ports, message, forever);
  expect(world.logged).toContain('orphans-left');
  await ends(world, job);
});

test('a chunk whose file is removed while it moves is left alone', async () => {
  const { world, ports, job, message, full } = await sent();
  const [gone] = world.node(full).chunks;
  const key = { table: 'placement', pk: `C#${gone}`, sk: 'C' } as const;
  world.store.write([{ op: 'update', key, set: { state: 'removed' }, add: { version: 1 } }]);
  await migrate(ports, message, forever);
  expect(world.placement(gone!)).toMatchObject({ state: 'removed', version: 2 });
  expect(jobOf(world, job).state).toBe('running');
});

test('a source that dies is replaced by another holder', async () => {
  const { world, ports, job, message, full } = await sent();
  world.node(full).isUp = false;
  await migrate(ports, message, forever);
  expect(Number(batchOf(world, message)!.movesDone)).toBeGreaterThan(0);
  world.node(full).isUp = true;
  await ends(world, job);
});

test('what did not arrive is said and planned again', async () => {
  const { world, ports, job, message } = await sent();
  for (const node of world.nodes.values()) node.isUp = node.id.startsWith('a2') || node.id === 'a1';
  const [one] = world.nodes.values();
  world.tamper = (event) => [{ event: 'progress', bytes: 1 }, event];
  one!.isUp = true;
  const full = jobOf(world, job).nodes[0]!;
  world.node(full).isUp = false;
  await migrate(ports, message, forever);
  expect((batchOf(world, message)!.failures as string[])[0]).toContain('source-unreachable');
  expect(Number(batchOf(world, message)!.movesRetried)).toBeGreaterThan(0);
  for (const node of world.nodes.values()) node.isUp = true;
  await ends(world, job);
});

test.each([
  ['sha256', 'f'.repeat(64), 'received checksum'],
  ['epoch', 1, 'received epoch'],
  ['incarnation', 'another', 'received on another disk'],
])('a receipt for another %s counts for nothing', async (field, value, says) => {
  const { world, ports, job, message } = await sent();
  world.tamper = (event) =>
    event.event === 'received'
      ? [{ ...event, receipt: { ...event.receipt, [field]: value } }]
      : [event];
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({ movesDone: 0 });
  expect((batchOf(world, message)!.failures as string[])[0]).toContain(says);
  world.tamper = (event) => [event];
  await ends(world, job);
});

test('a receipt that comes twice, or for a chunk that nobody asked for, does no harm', async () => {
  const { world, ports, job, message, full } = await sent();
  const moves = world.node(full).chunks.length;
  world.tamper = (event) => {
    if (event.event !== 'received') return [event];
    const stranger = { ...event, receipt: { ...event.receipt, chunk: '0'.repeat(64) } };
    return [event, stranger, event];
  };
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({ movesDone: moves });
  await ends(world, job);
});

test('a pull that breaks commits what had arrived', async () => {
  const { world, ports, job, message } = await sent();
  let events = 0;
  world.beforePullEvent = () => {
    if (++events === 3) throw new NodeUnreachable('the stream broke');
  };
  await migrate(ports, message, forever);
  expect(batchOf(world, message)).toMatchObject({ movesDone: 2, failures: ['the stream broke'] });
  world.beforePullEvent = () => {};
  await ends(world, job);
});

test('a worker whose time runs out commits what it has and leaves the rest to a new plan', async () => {
  const { world, ports, job, message } = await sent();
  await migrate(ports, message, { remainingMs: () => 5_000 });
  expect(batchOf(world, message)).toMatchObject({ state: 'ended', movesDone: 1 });
  await ends(world, job);
});

test('slow copies are committed as they come', async () => {
  const { world, ports, job, message } = await sent();
  const done: unknown[] = [];
  world.beforePullEvent = () => {
    world.nowMs += ports.policy.flightLimitMs / 2;
    done.push(flights(world)[0]?.movesDone);
  };
  await migrate(ports, message, forever);
  expect(done.slice(0, 4)).toEqual([0, 1, 2, 3]);
  await ends(world, job);
});

test('a flight whose batch was forgotten gives its place back', async () => {
  const { world, ports, message } = await sent();
  world.store.write([{ op: 'delete', key: batchKey(jobId(message.job), batchId(message.batch)) }]);
  await migrate(ports, message, forever);
  expect(world.store.get(flightKey(batchId(message.batch)))).toBeUndefined();
});

test('a batch of other kinds of trouble still ends: an unexpected error is not swallowed', async () => {
  const { world, ports, job, message } = await sent();
  await putFile(world, 'extra', 'more');
  world.beforePullEvent = () => {
    throw new TypeError('a bug');
  };
  await expect(migrate(ports, message, forever)).rejects.toThrow('a bug');
  world.beforePullEvent = () => {};
  await ends(world, job);
});
