import { CacheConfigError } from './errors.js';

/** A span of time: a number of **milliseconds**, or a string such as `'250ms'`, `'30s'`, `'5m'`, `'1h'`, `'7d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A number of bytes, or a string such as `'16kb'`, `'64mb'`, `'1gb'` (powers of 1024). */
export type ByteSize = number | `${number}${'b' | 'kb' | 'mb' | 'gb'}`;

const MS_PER_UNIT: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES_PER_UNIT: Record<string, number> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const BYTES = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/i;

/** Below this a bare number was plausibly meant as seconds (`ttl: 60`), so the unit must be spelled out. */
const SMALLEST_BARE_NUMBER = 1_000;

/**
 * Milliseconds of a {@link Duration}.
 * @param option the option's name, for the message
 * @throws CacheConfigError naming the option, when the value is malformed, negative, or a bare number from 1 to 999
 */
export function duration(value: Duration, option = 'duration'): number {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0) {
      throw new CacheConfigError(`${option}: expected milliseconds >= 0 or a string such as '5m', got ${value}`);
    }
    if (value > 0 && value < SMALLEST_BARE_NUMBER) {
      throw new CacheConfigError(
        `${option}: ${value} means ${value} ms; write '${value}s' or '${value}ms' to say which is meant`,
      );
    }
    return value;
  }
  const match = typeof value === 'string' ? DURATION.exec(value) : null;
  if (match === null) {
    throw new CacheConfigError(
      `${option}: expected milliseconds or a string such as '250ms', '30s', '5m', '1h', '7d', got ${show(value)}`,
    );
  }
  return Number(match[1]) * MS_PER_UNIT[match[2]];
}

/**
 * Bytes of a {@link ByteSize}.
 * @throws CacheConfigError naming the option, when the value is malformed or not positive
 */
export function byteSize(value: ByteSize, option = 'size'): number {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 1) {
      throw new CacheConfigError(`${option}: expected bytes >= 1 or a string such as '64mb', got ${value}`);
    }
    return Math.floor(value);
  }
  const match = typeof value === 'string' ? BYTES.exec(value) : null;
  const bytes = match === null ? 0 : Math.floor(Number(match[1]) * BYTES_PER_UNIT[match[2].toLowerCase()]);
  if (bytes <= 0) {
    throw new CacheConfigError(
      `${option}: expected bytes > 0 or a string such as '16kb', '64mb', '1gb', got ${show(value)}`,
    );
  }
  return bytes;
}

/** A value shown in a message: quoted when text, shortened, never an object's contents. */
export function show(value: unknown): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value);
  }
  return typeof value === 'object' && value !== null
    ? `a value of type ${value.constructor?.name ?? 'object'}`
    : String(value);
}
