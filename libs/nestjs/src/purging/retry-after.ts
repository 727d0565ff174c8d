/** ms of the pause before the first repetition, and of the longest one. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 30_000;
/** A CDN that asks for a longer pause is asked again after this one: a typo there must not end purging here. */
const LONGEST_WISH = 600_000;

/**
 * ms to wait after `failures` failures in a row: doubling from 250 ms to 30 s, half of it random, so that instances that failed together
 * do not come back together. Never shorter than the CDN's own wish.
 * @param random from 0 to 1
 */
export function retryPause(failures: number, wish: number | undefined, random: number): number {
  const full = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(failures - 1, 20));
  return Math.max(full / 2 + (full / 2) * random, Math.min(wish ?? 0, LONGEST_WISH));
}

/** ms of a `Retry-After` field: seconds or an HTTP date (RFC 9110 section 10.2.3); undefined when it is neither. */
export function retryAfter(field: string | undefined, now: number): number | undefined {
  if (field === undefined) return undefined;
  if (/^\d{1,9}$/.test(field.trim())) return Number(field) * 1_000;
  const date = Date.parse(field);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
