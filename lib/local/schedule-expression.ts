/** When a schedule fires next, by `rate(…)` or `cron(…)` in UTC (docs.aws.amazon.com/eventbridge, "Schedules"). */
export type Schedule = (after: Date) => Date;

const units: Readonly<Record<string, number>> = {
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
};

/** Throws a sentence on an expression that is not served. `rate` also takes seconds, which AWS does not. */
export function parseSchedule(expression: string): Schedule {
  const rate = /^rate\((\d+) (second|minute|hour|day)s?\)$/.exec(expression);
  if (rate) {
    const ms = Number(rate[1]) * (units[rate[2] ?? ''] ?? 0);
    return (after) => new Date(after.getTime() + ms);
  }
  const cron = /^cron\((.+)\)$/.exec(expression);
  const fields = cron?.[1]?.trim().split(/\s+/) ?? [];
  if (fields.length === 6) return nextMinuteOf(fields.map(parseField));
  throw new Error(`schedule ${expression} is not served locally`);
}

type Field = (value: number) => boolean;
const names = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const weekdays = 'SUN MON TUE WED THU FRI SAT'.split(' ');

function numberOf(text: string): number {
  const month = names.indexOf(text.toUpperCase());
  if (month >= 0) return month + 1;
  const day = weekdays.indexOf(text.toUpperCase());
  if (day >= 0) return day + 1;
  if (!/^\d+$/.test(text)) throw new Error(`cron field ${text} is not served locally`);
  return Number(text);
}

function parseField(text: string): Field {
  if (text === '*' || text === '?') return () => true;
  const parts = text.split(',').map((part): Field => {
    const [range = '', step] = part.split('/');
    const [low = '', high] = range.split('-');
    const from = low === '*' ? 0 : numberOf(low);
    const to = high !== undefined ? numberOf(high) : step !== undefined ? Infinity : from;
    return (value) => value >= from && value <= to && (value - from) % Number(step ?? 1) === 0;
  });
  return (value) => parts.some((part) => part(value));
}

/** A year and a day of minutes: a cron that does not fire in it does not fire in a local run. */
const minutesMax = 366 * 24 * 60;

function nextMinuteOf([minute, hour, day, month, weekday, year]: Field[]): Schedule {
  return (after) => {
    const start = Math.floor(after.getTime() / 60_000) + 1;
    for (let at = start; at < start + minutesMax; at += 1) {
      const date = new Date(at * 60_000);
      const fires =
        minute?.(date.getUTCMinutes()) &&
        hour?.(date.getUTCHours()) &&
        day?.(date.getUTCDate()) &&
        month?.(date.getUTCMonth() + 1) &&
        weekday?.(date.getUTCDay() + 1) &&
        year?.(date.getUTCFullYear());
      if (fires) return date;
    }
    return new Date(start * 60_000 + minutesMax * 60_000);
  };
}
