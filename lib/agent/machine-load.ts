import { readFile } from 'node:fs/promises';
import type { NodeLoad } from '../core/throttle.ts';

export const loadUnknown: NodeLoad = { cpu: null, memory: null, ioWait: null };

interface CpuTicks {
  readonly idle: number;
  readonly ioWait: number;
  readonly total: number;
}

/** Load of this machine since it was last asked, from Linux's /proc. */
export class MachineLoad {
  readonly #proc: string;
  #before: CpuTicks | undefined;

  constructor(proc = '/proc') {
    this.#proc = proc;
  }

  async sample(): Promise<NodeLoad> {
    const ticks = cpuTicksOf(await this.#read('stat'));
    const before = this.#before;
    this.#before = ticks;
    const memory = memoryOf(await this.#read('meminfo'));
    if (ticks === undefined || before === undefined || ticks.total <= before.total)
      return { ...loadUnknown, memory };
    const total = ticks.total - before.total;
    const ioWait = share(ticks.ioWait - before.ioWait, total);
    return { cpu: share(total - (ticks.idle - before.idle), total) - ioWait, ioWait, memory };
  }

  /** Empty where it is not there. */
  #read(name: string): Promise<string> {
    return readFile(`${this.#proc}/${name}`, 'utf8').catch(() => '');
  }
}

const share = (part: number, whole: number): number => Math.min(1, Math.max(0, part / whole));

/** proc(5): `cpu user nice system idle iowait irq softirq steal …`, in ticks since boot. */
function cpuTicksOf(stat: string): CpuTicks | undefined {
  const fields = /^cpu +([\d ]+)/.exec(stat)?.[1]?.split(' ').map(Number);
  if (fields === undefined || fields.length < 8) return undefined;
  const [, , , idle, ioWait] = fields as [number, number, number, number, number];
  // Guests' time, the last two fields, is within user's.
  const total = fields.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0);
  return { idle, ioWait, total };
}

function memoryOf(meminfo: string): number | null {
  const kilobytes = (name: string) =>
    Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(meminfo)?.[1]);
  const used = 1 - kilobytes('MemAvailable') / kilobytes('MemTotal');
  return Number.isFinite(used) ? used : null;
}
