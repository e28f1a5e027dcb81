import { afterAll, beforeAll, describe } from 'vitest';
import type { Tables } from '../../lib/control/ports.ts';
import { oneOpContract } from './tables-ops.contract.ts';
import { readsContract } from './tables-reads.contract.ts';
import { severalOpsContract } from './tables-writes.contract.ts';

export interface Made {
  readonly tables: Tables;
  stop?(): Promise<void>;
}

/** What every implementation of Tables owes to lib/control. */
export function tablesContract(name: string, make: () => Made | Promise<Made>): void {
  describe(`Tables: ${name}`, () => {
    let made: Made;
    beforeAll(async () => {
      made = await make();
    });
    afterAll(() => made?.stop?.());

    const tables = () => made.tables;
    oneOpContract(tables);
    severalOpsContract(tables);
    readsContract(tables);
  });
}
