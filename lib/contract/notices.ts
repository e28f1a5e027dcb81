/**
 * What AWS tells of machines and zones that are about to go, in AWS's own names: the rules of the template
 * match them, the urgency function reads them, the local cloud sends them.
 *
 * Sources: docs.aws.amazon.com, EC2 user guide ("Spot Instance interruption notices", "rebalance
 * recommendations"), AWS Health user guide ("Amazon EventBridge schema"), Amazon Application Recovery
 * Controller guide ("Using zonal autoshift with Amazon EventBridge").
 */

export const spotInterruption = 'EC2 Spot Instance Interruption Warning';
export const rebalanceRecommendation = 'EC2 Instance Rebalance Recommendation';
export const instanceStateChange = 'EC2 Instance State-change Notification';
export const healthEvent = 'AWS Health Event';

/**
 * Scheduled changes after which the machine is not there any more. Of maintenance and reboots a node comes
 * back by itself with its disk: to drain it would move every byte for a few minutes' absence.
 */
export const retirementCodes = [
  'AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED',
  'AWS_EC2_INSTANCE_RETIREMENT_EXPEDITED',
  'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED',
  'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_EXPEDITED',
  'AWS_EC2_INSTANCE_STOP_SCHEDULED',
  'AWS_EC2_INSTANCE_TERMINATION_SCHEDULED',
] as const;

/** States on the way out: who of a live node hears of one looks at once. */
export const leavingStates = ['stopping', 'stopped', 'shutting-down', 'terminated'] as const;

/** AWS takes traffic out of a zone that is ill; so do fault injection experiments that play it. */
export const zoneImpaired = [
  'Autoshift In Progress',
  'FIS Experiment Autoshift In Progress',
] as const;
export const zoneRecovered = [
  'Autoshift Completed',
  'FIS Experiment Autoshift Completed',
  'FIS Experiment Autoshift Canceled',
] as const;

/** The patterns of the template's rules, by what they are about. */
export const noticePatterns = {
  SpotInterruption: { source: ['aws.ec2'], detailType: [spotInterruption] },
  RebalanceRecommendation: { source: ['aws.ec2'], detailType: [rebalanceRecommendation] },
  Retirement: {
    source: ['aws.health'],
    detailType: [healthEvent],
    detail: {
      service: ['EC2'],
      eventTypeCategory: ['scheduledChange'],
      eventTypeCode: [...retirementCodes],
    },
  },
  Zone: { source: ['aws.arc-zonal-shift'], detailType: [...zoneImpaired, ...zoneRecovered] },
} as const;

/** An event as somebody sends it; the bus adds id, account, region and time. */
export interface SentEvent {
  readonly source: string;
  readonly 'detail-type': string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

const ofInstance = (
  type: string,
  instance: string,
  detail: Readonly<Record<string, unknown>> = {},
): SentEvent => ({
  source: 'aws.ec2',
  'detail-type': type,
  resources: [instance],
  detail: { 'instance-id': instance, ...detail },
});

export const spotInterruptionOf = (instance: string): SentEvent =>
  ofInstance(spotInterruption, instance, { 'instance-action': 'terminate' });

export const rebalanceRecommendationOf = (instance: string): SentEvent =>
  ofInstance(rebalanceRecommendation, instance);

export const stateChangeOf = (instance: string, state: string): SentEvent =>
  ofInstance(instanceStateChange, instance, { state });

/** @param at epoch milliseconds at which the machine is retired */
export function retirementOf(instance: string, at: number): SentEvent {
  const eventTypeCode = 'AWS_EC2_PERSISTENT_INSTANCE_RETIREMENT_SCHEDULED';
  return {
    source: 'aws.health',
    'detail-type': healthEvent,
    resources: [instance],
    detail: {
      service: 'EC2',
      eventTypeCode,
      eventTypeCategory: 'scheduledChange',
      eventScopeCode: 'ACCOUNT_SPECIFIC',
      statusCode: 'upcoming',
      startTime: new Date(at).toUTCString(),
      affectedEntities: [{ entityValue: instance, status: 'IMPAIRED' }],
      eventDescription: [{ language: 'en_US', latestDescription: `${instance} will be retired.` }],
    },
  };
}

/** @param zoneId of the zone, e.g. `use1-az2`: AWS tells of zones by their ids, not by their names */
export const zoneShiftOf = (zoneId: string, becomes: 'impaired' | 'recovered'): SentEvent => ({
  source: 'aws.arc-zonal-shift',
  'detail-type': becomes === 'impaired' ? zoneImpaired[0] : zoneRecovered[0],
  resources: [],
  detail: { version: '0.0.1', data: '', metadata: { awayFrom: zoneId, notes: '' } },
});
