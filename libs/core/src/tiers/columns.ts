/** Copies of a column with room for `capacity` slots; with no old column, a new one full of zeroes. */
export function widenF64(column: Float64Array | undefined, capacity: number): Float64Array {
  const wide = new Float64Array(capacity);
  if (column !== undefined) wide.set(column);
  return wide;
}

/** See {@link widenF64}. */
export function widenU32(column: Uint32Array | undefined, capacity: number): Uint32Array {
  const wide = new Uint32Array(capacity);
  if (column !== undefined) wide.set(column);
  return wide;
}

/** See {@link widenF64}. */
export function widenI32(column: Int32Array | undefined, capacity: number): Int32Array {
  const wide = new Int32Array(capacity);
  if (column !== undefined) wide.set(column);
  return wide;
}

/** See {@link widenF64}. */
export function widenU16(column: Uint16Array | undefined, capacity: number): Uint16Array {
  const wide = new Uint16Array(capacity);
  if (column !== undefined) wide.set(column);
  return wide;
}

/** See {@link widenF64}. */
export function widenU8(column: Uint8Array | undefined, capacity: number): Uint8Array {
  const wide = new Uint8Array(capacity);
  if (column !== undefined) wide.set(column);
  return wide;
}

/** The same array, lengthened: setting `length` allocates exactly that much, where `push` would reserve half as much again. */
export function widenList<T>(column: T[], capacity: number, filler: T): T[] {
  const from = column.length;
  column.length = capacity;
  return column.fill(filler, from);
}
