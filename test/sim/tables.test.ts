import type { Tables } from '../../lib/control/ports.ts';
import { type Faults, noFaults } from '../../lib/sim/faults.ts';
import { History } from '../../lib/sim/history.ts';
import { Process } from '../../lib/sim/process.ts';
import { Random } from '../../lib/sim/random.ts';
import { Scheduler } from '../../lib/sim/scheduler.ts';
import { Store } from '../../lib/sim/store.ts';
import { SimTables } from '../../lib/sim/tables.ts';
import { tablesContract } from '../aws/tables.contract.ts';

tablesContract('in memory', () => ({ tables: drivenTables({}, 40) }));
tablesContract('in memory, small pages and empty ones', () => ({
  tables: drivenTables({ pageEmpty: 0.5 }, 2),
}));

/** The simulator's tables; virtual time passes while a call waits. */
function drivenTables(faults: Partial<Faults>, pageItemsMax: number): Tables {
  const scheduler = new Scheduler();
  const random = new Random(1);
  const history = new History('hash');
  const ground = { scheduler, random, history, pageItemsMax, faults: { ...noFaults(), ...faults } };
  const tables = new SimTables(new Process(ground, 'contract', 0), new Store(() => scheduler.now));
  const driven = async <T>(call: Promise<T>): Promise<T> => {
    let ended = false;
    const settled = call.finally(() => {
      ended = true;
    });
    settled.catch(() => {});
    await scheduler.run(Number.POSITIVE_INFINITY, () => ended);
    return settled;
  };
  return {
    get: (keys) => driven(tables.get(keys)),
    query: (table, pk, from) => driven(tables.query(table, pk, from)),
    write: (ops, token) => driven(tables.write(ops, token)),
    writeEach: (ops) => driven(tables.writeEach(ops)),
  };
}
