import { formatDuration, formatShare } from '../../cli/text.ts';
import { formatBytes } from '../../core/units.ts';

export { formatBytes, formatDuration, formatShare };

export const rate = (bytesPerSecond: number): string =>
  `${formatBytes(Math.round(bytesPerSecond))}/s`;

export const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

export const milliseconds = (ms: number | null): string => {
  if (ms === null) return '–';
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
};

/** `12 s ago`, `5 min ago`. */
export function ago(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s ago`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min ago`;
  const hours = Math.round(minutes / 60);
  return hours < 36 ? `${hours} h ago` : `${Math.round(hours / 24)} d ago`;
}

export const plural = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;

/** As {@link clock}, to the minute, with the day where it is another one. */
export function minute(iso: string): string {
  const at = new Date(iso);
  const time = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
  if (at.toDateString() === new Date().toDateString()) return time;
  return `${at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${time}`;
}

/** The clock of the reader's own place. */
export const clock = (at: number): string =>
  new Date(at).toLocaleTimeString('en-GB', {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
