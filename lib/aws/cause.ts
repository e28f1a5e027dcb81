import * as z from 'zod/mini';

const AlarmEvent = z.object({
  alarmData: z.object({
    alarmName: z.string(),
    state: z.object({ value: z.string(), reason: z._default(z.string(), '') }),
  }),
});
const BusEvent = z.object({ source: z.string(), 'detail-type': z.string() });
const OperatorEvent = z.object({ cause: z.string() });

/**
 * What called, in words for people: an alarm with its state and reason, the schedule, an operator.
 */
export function causeOf(event: unknown): string {
  const alarm = AlarmEvent.safeParse(event);
  if (alarm.success) {
    const { alarmName, state } = alarm.data.alarmData;
    return `alarm ${alarmName} is ${state.value}${state.reason && `: ${state.reason}`}`;
  }
  const bus = BusEvent.safeParse(event);
  if (bus.success) return `${bus.data['detail-type']} from ${bus.data.source}`;
  const operator = OperatorEvent.safeParse(event);
  return operator.success ? operator.data.cause : 'called without a cause';
}
