/**
 * A fleet as NDJSON, format version 1: a header with the zones, then nodes, then chunks. Checked by hand,
 * not by a schema library: a line of a fleet of a million copies takes about a microsecond.
 */
import type { Chunk, ChunkKind, FleetNode, NodeClass, Redundancy } from '../core/fleet.ts';
import { slotCount } from '../core/fleet.ts';
import { FleetBuilder } from '../core/fleet-map.ts';
import { chunkId, type NodeId, nodeId, zone } from '../core/ids.ts';
import { type NodeState, nodeStates } from '../core/lifecycle.ts';
import { slotsPerChunkMax, zonesMax } from '../core/limits.ts';
import { bytes } from '../core/units.ts';
import { InputError, isName, isWhole, parseObject, readLines, wrongField } from './read-lines.ts';

export const snapshotVersion = 1;

export interface Snapshot {
  /** In the header's order; a zone may have no node yet. */
  readonly zones: readonly string[];
  /** Everything that was read; more nodes may be added before it is built. */
  readonly fleet: FleetBuilder;
}

type Line = Record<string, unknown>;

/** Throws an InputError that names the first wrong line. */
export async function readSnapshot(input: AsyncIterable<Uint8Array | string>): Promise<Snapshot> {
  const fleet = new FleetBuilder();
  let zones: readonly string[] | undefined;
  let lastLine = 0;
  await readLines(input, (text, number) => {
    lastLine = number;
    const line = parseObject(text, number);
    if (zones === undefined) zones = parseHeader(line, number);
    else if ('chunk' in line) addChunk(fleet, line, number);
    else if ('node' in line) addNode(fleet, zones, line, number);
    else throw new InputError(number, 'neither a node nor a chunk: no field "node" or "chunk"');
  });
  if (zones === undefined) throw new InputError(lastLine + 1, 'empty, expected a header');
  return { zones, fleet };
}

function parseHeader(line: Line, number: number): readonly string[] {
  const version = line.ballast;
  if (version !== snapshotVersion) {
    wrongField(number, 'ballast (the format version)', version, String(snapshotVersion));
  }
  const zones = line.zones;
  const isGood = Array.isArray(zones) && zones.length >= 1 && zones.length <= zonesMax;
  if (!isGood || !zones.every(isName) || new Set(zones).size < zones.length) {
    wrongField(number, 'zones', zones, `1 to ${zonesMax} different zone names`);
  }
  return zones;
}

function addNode(fleet: FleetBuilder, zones: readonly string[], line: Line, number: number): void {
  const node = parseNode(zones, line, number);
  if (fleet.addNode(node) === 'already-there') {
    throw new InputError(number, `node ${node.id} was listed before`);
  }
}

const nodeClasses: readonly unknown[] = ['data', 'metadata', 'mixed'] satisfies NodeClass[];

function parseNode(zones: readonly string[], line: Line, number: number): FleetNode {
  const { node: id, zone: name, class: nodeClass, capacity, state } = line;
  if (!isName(id)) wrongField(number, 'node', id, 'a name of 1 to 256 characters');
  if (typeof name !== 'string' || !zones.includes(name)) {
    wrongField(number, 'zone', name, `one of ${zones.join(', ')}`);
  }
  if (!nodeClasses.includes(nodeClass)) {
    wrongField(number, 'class', nodeClass, 'data, metadata or mixed');
  }
  if (!isWhole(capacity, 1)) {
    wrongField(number, 'capacity', capacity, 'a whole number of bytes above 0');
  }
  if (!(nodeStates as readonly unknown[]).includes(state)) {
    wrongField(number, 'state', state, `one of ${nodeStates.join(', ')}`);
  }
  return {
    id: nodeId(id),
    zone: zone(name),
    class: nodeClass as NodeClass,
    capacity: bytes(capacity),
    state: state as NodeState,
  };
}

function addChunk(fleet: FleetBuilder, line: Line, number: number): void {
  const chunk = parseChunk(fleet, line, number);
  if (fleet.addChunk(chunk) === 'already-there') {
    throw new InputError(number, `chunk ${chunk.id} was listed before`);
  }
}

function parseChunk(fleet: FleetBuilder, line: Line, number: number): Chunk {
  const { chunk: id, size, kind = 'data', heat = 0 } = line;
  if (!isName(id)) wrongField(number, 'chunk', id, 'a name of 1 to 256 characters');
  if (!isWhole(size, 0)) wrongField(number, 'size', size, 'a whole number of bytes');
  if (kind !== 'data' && kind !== 'metadata') {
    wrongField(number, 'kind', kind, 'data or metadata');
  }
  if (typeof heat !== 'number' || !(heat >= 0)) {
    wrongField(number, 'heat', heat, 'accesses an hour, a number from 0');
  }
  const redundancy = parseRedundancy(line.redundancy, number);
  return {
    id: chunkId(id),
    size: bytes(size),
    kind: kind as ChunkKind,
    redundancy,
    holders: parseHolders(fleet, line.holders, redundancy, number),
    heat,
  };
}

function parseRedundancy(value: unknown, number: number): Redundancy {
  const rule = (value ?? {}) as { replicated?: unknown; erasure?: unknown };
  if (isWhole(rule.replicated, 1) && rule.replicated <= slotsPerChunkMax) {
    return { kind: 'replicated', copies: rule.replicated };
  }
  if (Array.isArray(rule.erasure) && rule.erasure.length === 2) {
    const [data, parity] = rule.erasure as unknown[];
    if (isWhole(data, 1) && isWhole(parity, 1) && data + parity <= slotsPerChunkMax) {
      return { kind: 'erasure', data, parity };
    }
  }
  return wrongField(
    number,
    'redundancy',
    value,
    `{"replicated":n} or {"erasure":[k,m]} with 1 to ${slotsPerChunkMax} slots`,
  );
}

/** A replicated chunk may lack copies; a stripe may not, because the index is the shard. */
function parseHolders(
  fleet: FleetBuilder,
  value: unknown,
  redundancy: Redundancy,
  number: number,
): NodeId[] {
  const most = slotCount(redundancy);
  const least = redundancy.kind === 'erasure' ? most : 1;
  if (!Array.isArray(value) || value.length < least || value.length > most) {
    const count = least === most ? `${most}` : `${least} to ${most}`;
    wrongField(number, 'holders', value, `a list of ${count} nodes`);
  }
  value.forEach((holder, slot) => {
    if (!fleet.hasNode(holder)) {
      wrongField(number, `holders[${slot}]`, holder, 'a node of an earlier line');
    }
    if (value.indexOf(holder) !== slot) {
      wrongField(number, `holders[${slot}]`, holder, 'each node at most once');
    }
  });
  return value as NodeId[];
}
