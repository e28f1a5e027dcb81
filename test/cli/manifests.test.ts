import { expect, test } from 'vitest';
import { commitFiles, findFile } from '../../lib/control/files.ts';
import { chunkId, nodeId } from '../../lib/core/ids.ts';
import { placeFile } from '../control/acts.ts';
import { ballast } from '../support/command-line.ts';
import { memoryFleet } from '../support/memory-fleet.ts';

/** A fleet with one file, whose two chunks a manifest names. */
async function fleetWithManifest() {
  const fleet = memoryFleet(undefined, { chunksPerRecordMax: 1 });
  await commitFiles(fleet.ports, [await placeFile(fleet, 'd/long', ['one', 'two'])]);
  const record = await findFile(fleet.ports.tables, 'd/long');
  return { fleet, manifest: chunkId(record!.manifest[0]!.id) };
}

test('ls, explain, verify and rm know a file by its manifest', async () => {
  const { fleet, manifest } = await fleetWithManifest();
  expect((await ballast(['ls'], fleet)).stdout).toMatch(/6 B .*d\/long\n$/);
  const { stdout } = await ballast(['explain', 'd/long'], fleet);
  expect(stdout).toMatch(/^File d\/long has 6 B in 2 chunks, version 1\./);
  expect(stdout).toContain(`\nManifest chunk ${manifest} (replicated:3) is on n`);
  expect(stdout.match(/\nChunk \w{64} \(replicated:3\) is on /g)).toHaveLength(2);
  const { stdout: chunk } = await ballast(['explain', manifest], fleet);
  expect(chunk).toMatch(/\(metadata, .*, replicated:3\) is live/);
  expect((await ballast(['verify'], fleet)).stdout).toBe('1 of 1 file verified, 6 B.\n');
  expect((await ballast(['rm', 'd/long'], fleet)).stdout).toBe('Removed 1 file.\n');
  expect((await ballast(['ls'], fleet)).stdout).toBe('No files.\n');
});

test.each([
  ['one copy of a manifest', ['n2'], 0, /1 slot damaged/],
  [
    'every copy of a manifest',
    ['n1', 'n2', 'n3'],
    1,
    /"d\/long" cannot be read: (.|\n)*3 slots dam/,
  ],
])('verify --repair finds damage to %s', async (_what, nodes, exitCode, says) => {
  const { fleet, manifest } = await fleetWithManifest();
  for (const node of nodes) fleet.disks.get(nodeId(node))!.set(manifest, Uint8Array.of(1));
  const ran = await ballast(['verify', '--repair'], fleet);
  expect(ran.exitCode).toBe(exitCode);
  expect(ran.stdout).toMatch(says);
});

test.each(['0', '5001', '1.5'])('the policy refuses records of %s chunks', async (count) => {
  const ran = await ballast(['policy', 'set', `chunksPerRecordMax=${count}`], memoryFleet());
  expect(ran.exitCode).toBe(2);
  expect(ran.stderr).toContain('chunksPerRecordMax');
});
