/** Units of measure as types: a number that carries what it counts. */
declare const unit: unique symbol;
export type Unit<Name extends string> = number & { readonly [unit]: Name };

export type Bytes = Unit<'Bytes'>;
export type BytesPerSecond = Unit<'BytesPerSecond'>;
/** A length of time. */
export type Millis = Unit<'Millis'>;
/** A moment, in milliseconds since 1970-01-01T00:00Z. */
export type EpochMillis = Unit<'EpochMillis'>;

export const bytes = (value: number): Bytes => value as Bytes;
export const bytesPerSecond = (value: number): BytesPerSecond => value as BytesPerSecond;
export const millis = (value: number): Millis => value as Millis;
export const epochMillis = (value: number): EpochMillis => value as EpochMillis;

/** The moment `after` later than `from`. */
export const later = (from: EpochMillis, after: Millis): EpochMillis => epochMillis(from + after);

const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** `1536` → `1.5 KiB`: for people; machines get the number. */
export function formatBytes(value: number): string {
  let rest = value;
  let step = 0;
  while (Math.abs(rest) >= 1024 && step < IEC.length - 1) {
    rest /= 1024;
    step++;
  }
  return `${step === 0 ? rest : rest.toFixed(rest < 10 ? 2 : 1)} ${IEC[step]}`;
}

/** `5400000` → `1 h 30 min`, `42000` → `42 s`: for people; machines get the number. */
export function formatLength(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours === 0) return `${rest} min`;
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
}
