const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const TIME = '([01]\\d|2[0-3]):([0-5]\\d):([0-5]\\d|60)';
const MONTH = `(${MONTHS.join('|')})`;

// Case-insensitive, as RFC 9111 section 4.2 asks of caches; everything else to the letter.
const IMF_FIXDATE = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun), (\\d\\d) ${MONTH} (\\d{4}) ${TIME} gmt$`, 'i');
const RFC_850 = new RegExp(`^(?:mon|tues|wednes|thurs|fri|satur|sun)day, (\\d\\d)-${MONTH}-(\\d\\d) ${TIME} gmt$`, 'i');
const ASCTIME = new RegExp(`^(?:mon|tue|wed|thu|fri|sat|sun) ${MONTH} ([ \\d]\\d) ${TIME} (\\d{4})$`, 'i');

/** More than this ahead, a two-digit year means the last century (RFC 9110 section 5.6.7). */
const HALF_CENTURY = 50;

/**
 * Milliseconds since the epoch of an HTTP-date, or undefined: IMF-fixdate, RFC 850 and asctime, and nothing else. `Date.parse` takes
 * ISO dates, zones other than GMT and much more, all of which a cache has to call invalid (RFC 9110 section 5.6.7, RFC 9111 section 4.2).
 * @param now decides the century of two-digit years
 */
export function parseHttpDate(text: string, now: number): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) return utc(imf[3], imf[2], imf[1], imf[4], imf[5], imf[6]);
  const old = RFC_850.exec(text);
  if (old !== null) return utc(fullYear(Number(old[3]), now), old[2], old[1], old[4], old[5], old[6]);
  const asctime = ASCTIME.exec(text);
  return asctime === null
    ? undefined
    : utc(asctime[6], asctime[1], asctime[2].trim(), asctime[3], asctime[4], asctime[5]);
}

/** The IMF-fixdate of an instant; what is finer than a second is cut off (RFC 9110 section 5.6.7). */
export function formatHttpDate(instant: number): string {
  return new Date(instant).toUTCString();
}

function fullYear(twoDigits: number, now: number): string {
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return String(year > thisYear + HALF_CENTURY ? year - 100 : year);
}

function utc(year: string, month: string, day: string, h: string, m: string, s: string): number | undefined {
  const index = MONTHS.indexOf(month.toLowerCase());
  // A leap second is one that no clock here knows: the one before.
  const second = s === '60' ? 59 : Number(s);
  const instant = Date.UTC(Number(year), index, Number(day), Number(h), Number(m), second);
  // 31 February rolls over into March.
  return new Date(instant).getUTCDate() === Number(day) ? instant : undefined;
}
