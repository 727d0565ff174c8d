/** Mulberry32. */
export function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** `length` requests over 100,000 keys by zipf 0.99, as key names. */
export function zipfKeys(length, keys = 100_000, exponent = 0.99) {
  const random = seeded(20_231_023);
  const cumulated = new Float64Array(keys);
  let total = 0;
  for (let rank = 0; rank < keys; rank++) cumulated[rank] = total += 1 / (rank + 1) ** exponent;
  const names = Array.from({ length: keys }, (_, rank) => flat(`product-${rank}`));
  return Array.from({ length }, () => {
    const at = random() * total;
    let low = 0;
    let high = keys - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulated[middle] < at) low = middle + 1;
      else high = middle;
    }
    return names[low];
  });
}

/** A plain object whose JSON text is about `bytes` long. */
export function valueOf(key, bytes) {
  const value = { id: key, name: `Product ${key}`, priceCents: 1999, stock: 12, tags: [] };
  for (let at = 0; JSON.stringify(value).length < bytes - 20; at++) {
    const rest = bytes - JSON.stringify(value).length;
    value[`field${at}`] = 'lorem ipsum dolor sit amet, consectetur adipiscing'.slice(
      0,
      Math.max(4, Math.min(50, rest - 14)),
    );
  }
  return value;
}

/** A string as it comes out of a socket: one run of characters, not a joint of two, which every Map would have to join first. */
export const flat = (text) => Buffer.from(text).toString();
