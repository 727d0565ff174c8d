/** Middle of a list of numbers. */
export function median(values) {
  return quantile(values, 0.5);
}

/** Linear between the two nearest ranks. */
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

/** Median, least and most of a list. */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Three significant digits, with thousands apart: what a noisy machine can honestly say. */
export function readable(value) {
  if (value === undefined || value === null || !Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = digits > 0 ? value.toFixed(Math.min(digits, 4)) : String(Math.round(value));
  return rounded.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ',');
}
