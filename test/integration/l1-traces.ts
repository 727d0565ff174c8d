/** Seeded request traces over numbered keys, for comparing eviction policies. Key numbers from `KEYS` on are scanned or one-hit keys. */
export const KEYS = 100_000;

export interface Trace {
  readonly name: string;
  readonly requests: Uint32Array;
}

/** Requests until the popularity of all keys has moved on by one: LRU comes out at 0.69 with room for a tenth of the keys. */
const DRIFT = 22;
/** Requests until a newer key appears, and the mean distance in keys behind the newest: LRU comes out at 0.87. */
const NEWER = 15;
const RECENT = 3_000;
/** Requests from one scan to the next; a fifth of them belong to the scan. */
const SCAN_PERIOD = 50_000;
const SCANNED = SCAN_PERIOD / 5;

type Random = () => number;

/** Mulberry32. */
function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ranks 0..KEYS-1, the first the most popular, by binary search in the cumulated weights. */
function zipf(exponent: number, random: Random): () => number {
  const cumulated = new Float64Array(KEYS);
  let total = 0;
  for (let rank = 0; rank < KEYS; rank++) cumulated[rank] = total += 1 / (rank + 1) ** exponent;
  return () => {
    const at = random() * total;
    let low = 0;
    let high = KEYS - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle] < at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** A permutation of the keys, so that popularity has nothing to do with the number. */
function shuffled(random: Random): Uint32Array {
  const order = Uint32Array.from({ length: KEYS }, (_, at) => at);
  for (let at = KEYS - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other], order[at]];
  }
  return order;
}

function generate(name: string, length: number, next: (at: number) => number): Trace {
  const requests = new Uint32Array(length);
  for (let at = 0; at < length; at++) requests[at] = next(at);
  return { name, requests };
}

/** The traces of the performance targets, each `length` requests long. */
export function traces(length: number, seed: number): Trace[] {
  const random = seeded(seed);
  const popular = zipf(0.99, random);
  const flatter = zipf(0.8, random);
  const jumps = Array.from({ length: 6 }, () => shuffled(random));
  let extra = KEYS;
  return [
    generate('zipf 0.99', length, () => popular()),
    generate('zipf 0.8', length, () => flatter()),
    // The scans go on where the last one stopped, round and round through 50,000 further keys.
    generate('zipf 0.99 + periodic scan 20 %', length, (at) => {
      const scanned = at % SCAN_PERIOD;
      if (scanned >= SCANNED) return popular();
      return KEYS + ((Math.floor(at / SCAN_PERIOD) * SCANNED + scanned) % 50_000);
    }),
    generate('zipf 0.99 + one-hit wonders 30 %', length, () => (random() < 0.3 ? extra++ : popular())),
    generate('zipf 0.99, shifting hot set, 5 jumps', length, (at) => jumps[Math.floor((at * 6) / length)][popular()]),
    generate('zipf 0.99, drifting hot set', length, (at) => (popular() + Math.floor(at / DRIFT)) % KEYS),
    generate('recency', length, (at) => {
      const lag = -Math.log(1 - random()) * RECENT;
      return Math.max(0, Math.floor(at / NEWER + 20 * RECENT - lag));
    }),
  ];
}
