import type { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Policy } from '../contract/policy.ts';
import { fullestZone } from './fleet-metrics.ts';
import { runbook } from './runbook.ts';

export interface ScalingAlarmsProps {
  readonly fleetName: string;
  readonly zones: readonly string[];
  readonly policy: Policy;
  readonly period: Duration;
  readonly highPeriods: number;
  readonly lowPeriods: number;
  readonly autoscaler: IFunction;
}

/**
 * They only hint that it is time to decide: the watch decides every minute as well. Without data they
 * say that there is none, so a silent fleet neither grows nor shrinks, and data that comes back is news.
 */
export class ScalingAlarms extends Construct {
  readonly fillHigh: Alarm;
  readonly fillLow: Alarm;

  constructor(scope: Construct, id: string, props: ScalingAlarmsProps) {
    super(scope, id);
    const { fleetName, zones, policy, period } = props;
    const metric = fullestZone(fleetName, zones, period);
    this.fillHigh = new Alarm(this, 'FillHigh', {
      alarmName: `${fleetName}-fill-high`,
      alarmDescription: runbook('The fullest zone is above the mark to grow', 'fill-marks'),
      metric,
      threshold: policy.fillHigh * 100,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: props.highPeriods,
      // One late or lost data point does not put growing off.
      datapointsToAlarm: Math.max(1, props.highPeriods - 1),
      treatMissingData: TreatMissingData.MISSING,
    });
    this.fillLow = new Alarm(this, 'FillLow', {
      alarmName: `${fleetName}-fill-low`,
      alarmDescription: runbook('Every zone is below the mark to shrink', 'fill-marks'),
      metric,
      threshold: policy.fillLow * 100,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: props.lowPeriods,
      treatMissingData: TreatMissingData.MISSING,
    });
    const autoscale = new LambdaAction(props.autoscaler);
    this.fillHigh.addAlarmAction(autoscale);
    this.fillLow.addAlarmAction(autoscale);
  }
}
