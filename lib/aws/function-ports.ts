import type { Ports } from '../control/ports.ts';
import { parseSettings } from './config.ts';
import { structuredLog } from './logger.ts';
import { type Parts, portsFrom } from './ports.ts';
import { dynamoTables } from './tables.ts';

/** The ports of a Lambda function: tables, a log, and what else it names. */
export const functionPorts = (parts: Partial<Parts>): Ports =>
  portsFrom(parseSettings(process.env), { tables: dynamoTables, log: structuredLog, ...parts });
