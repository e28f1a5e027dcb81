import { Logger } from '@aws-lambda-powertools/logger';
import type { Ports } from '../control/ports.ts';
import type { Settings } from './config.ts';
import { eventMetrics } from './metrics.ts';

/**
 * A JSON line on stdout for each event, named after the function, and a metric where the event
 * counts.
 */
export const structuredLog = ({ fleet }: Settings): Ports['log'] => {
  const logger = new Logger({ persistentKeys: { fleet } });
  const count = eventMetrics(fleet);
  return (event, detail) => {
    logger.info(event, { detail });
    count(event, detail);
  };
};
