import { type NodeWithBeat, readFleet } from '../control/fleet.ts';
import type { Ports } from '../control/ports.ts';
import { fleetViewMs } from './limits.ts';

/** The fleet, read again when the last reading is old: thousands of files share a few readings. */
export class FleetView {
  readonly #ports: Ports;
  #reading: Promise<readonly NodeWithBeat[]> | undefined;
  #readAt = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  now(): Promise<readonly NodeWithBeat[]> {
    const now = this.#ports.now();
    if (this.#reading === undefined || now - this.#readAt > fleetViewMs) {
      this.#readAt = now;
      this.#reading = readFleet(this.#ports.tables);
      this.#reading.catch(() => this.forget());
    }
    return this.#reading;
  }

  /** What was seen turned out to be wrong. */
  forget(): void {
    this.#reading = undefined;
  }
}
