import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getFiles } from '../../lib/client/get.ts';
import { chunkBytesMax } from '../../lib/client/limits.ts';
import { filesWithin } from '../../lib/client/list.ts';
import { putFiles } from '../../lib/client/put.ts';
import { verifyFiles } from '../../lib/client/verify.ts';
import { findSource } from '../../lib/client/walk.ts';
import { chunkId } from '../../lib/core/ids.ts';
import { memoryFleet } from '../support/memory-fleet.ts';
import { scratch } from '../support/scratch.ts';

test('a file whose record has no room for its chunks comes back as it was, or is said to be lost', async () => {
  const fleet = memoryFleet(undefined, { chunksPerRecordMax: 1 });
  const large = Buffer.alloc(chunkBytesMax + 5);
  for (let at = 0; at < chunkBytesMax; at += 4096) large.writeUInt32LE(at, at);
  const source = await findSource(scratch({ large, small: 'x' }), '');
  const put = await putFiles(fleet.ports, source.files);
  expect(put).toMatchObject({ filesStored: 2, problems: [] });
  const stored = await filesWithin(fleet.ports.tables, '');
  const { record } = stored.find(({ path }) => path === 'large')!;
  expect([record.size, record.chunks, record.manifest.length]).toEqual([large.length, [], 1]);

  const verified = await verifyFiles(fleet.ports, stored, source.files);
  expect(verified).toMatchObject({ filesVerified: 2, problems: [] });
  const into = scratch();
  const wanted = stored.map((file) => ({ ...file, to: file.path }));
  const got = await getFiles(fleet.ports, wanted, into, { existing: 'refuse' });
  expect(got.problems).toEqual([]);
  expect(readFileSync(join(into, 'large')).equals(large)).toBe(true);

  for (const disk of fleet.disks.values()) disk.set(chunkId(record.manifest[0]!.id), Buffer.of(1));
  const rotten = await verifyFiles(fleet.ports, stored, undefined);
  expect(rotten).toMatchObject({
    filesVerified: 1,
    problems: [{ path: 'large', problem: expect.stringMatching(/^cannot be read: .*checksum/) }],
  });
});
