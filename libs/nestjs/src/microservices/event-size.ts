/** Nested deeper than this, data is no event; mappers and loggers may recurse over what they are given. */
const MAX_DEPTH = 64;

/**
 * Whether data is at most about as large as `maxBytes` of JSON, and not nested too deep. Looks at no more than that much of it and does not
 * recurse: anybody may have sent it.
 */
export function fits(data: unknown, maxBytes: number): boolean {
  let bytes = 0;
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value: data, depth: 0 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value === 'string') bytes += value.length + 2;
    else if (typeof value !== 'object' || value === null) bytes += 4;
    else if (ArrayBuffer.isView(value)) bytes += value.byteLength;
    else {
      if (depth >= MAX_DEPTH) return false;
      bytes += 2;
      for (const [key, child] of Object.entries(value)) {
        bytes += Array.isArray(value) ? 1 : key.length + 4;
        if (bytes > maxBytes) return false;
        open.push({ value: child, depth: depth + 1 });
      }
    }
    if (bytes > maxBytes) return false;
  }
  return true;
}
