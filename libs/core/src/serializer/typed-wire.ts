import { Buffer } from 'node:buffer';
import { SerializationError } from '../errors.js';
import { surveyValue } from '../value/survey.js';
import { kindOf, MAX_DEPTH } from '../value/value-kind.js';

/** How bytes travel in a carrier: text needs base64, a binary codec takes them as they are. */
export interface ByteForm {
  write(bytes: Buffer): unknown;
  /** Must copy: the source may be a slice of a socket chunk. Throws on anything it did not write. */
  read(form: unknown): Buffer;
}

/** Beyond this an unchecked value is not walked: the walk counts shared substructures each time it meets them. */
const MAX_WALK_BYTES = 256 * 1024 * 1024;

type Tagged = readonly [tag: string, form: unknown];

/**
 * Says whether a value is plain JSON.
 * @throws SerializationError naming the path of what has no wire form
 */
export function checkStorable(value: unknown): boolean {
  // Hidden properties do not matter to the wire, so they are not looked for.
  const { refusal, plain } = surveyValue(value, { maxBytes: MAX_WALK_BYTES, owned: true });
  if (refusal !== undefined) {
    throw new SerializationError(`${refusal.path}: ${refusal.reason}`, refusal.path);
  }
  return plain;
}

/**
 * A storable value in JSON's own types. What JSON lacks becomes an object of one key that begins with `~`:
 * `~u` undefined, `~n` NaN, infinities, -0, `~b` bigint (hex), `~d` Date (ms or null), `~m` Map (key, value, ...),
 * `~s` Set, `~B` Buffer, `~t` [constructor name, bytes of a typed array, ArrayBuffer or DataView] in the byte order of
 * the machine (little-endian wherever Node runs on common hardware), `~o` an object that looks like a tag itself.
 * Parts that are plain already are not copied.
 */
export function toTyped(value: unknown, bytes: ByteForm): unknown {
  switch (typeof value) {
    case 'undefined':
      return { '~u': 0 };
    case 'number':
      return value - value !== 0 || Object.is(value, -0)
        ? { '~n': Object.is(value, -0) ? '-0' : String(value) }
        : value;
    case 'bigint':
      return { '~b': value.toString(16) };
    case 'object':
      return value === null ? null : objectToTyped(value, bytes);
    default:
      return value;
  }
}

function objectToTyped(value: object, bytes: ByteForm): unknown {
  switch (kindOf(value)) {
    case 'object':
      return plainToTyped(value as Record<string, unknown>, bytes);
    case 'array':
      return listToTyped(value as unknown[], bytes);
    case 'date': {
      const at = (value as Date).getTime();
      return { '~d': Number.isNaN(at) ? null : at };
    }
    case 'map':
      return { '~m': listToTyped([...(value as Map<unknown, unknown>)].flat(1), bytes) };
    case 'set':
      return { '~s': listToTyped([...(value as Set<unknown>)], bytes) };
    case 'buffer':
      return { '~B': bytes.write(value as Buffer) };
    case 'array-buffer':
      return { '~t': ['ArrayBuffer', bytes.write(Buffer.from(value as ArrayBuffer))] };
    default: {
      const view = value as DataView;
      const raw = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
      return { '~t': [(view as unknown as Record<symbol, string>)[Symbol.toStringTag], bytes.write(raw)] };
    }
  }
}

function plainToTyped(value: Record<string, unknown>, bytes: ByteForm): unknown {
  let copy: Record<string, unknown> | undefined;
  const keys = Object.keys(value);
  for (const key of keys) {
    const item = value[key];
    const typed = toTyped(item, bytes);
    if (typed !== item) {
      // A spread defines properties, so an own `__proto__` is a property here and the assignment below meets it as one.
      copy ??= { ...value };
      copy[key] = typed;
    }
  }
  const form = copy ?? value;
  return keys.length === 1 && keys[0].startsWith('~') ? { '~o': form } : form;
}

function listToTyped(value: readonly unknown[], bytes: ByteForm): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    const typed = toTyped(item, bytes);
    if (typed !== item) {
      copy ??= value.slice();
      copy[index] = typed;
    }
  }
  return copy ?? value;
}

/**
 * The value that {@link toTyped} was given. Works in place: `form` must have just been parsed.
 * @throws on unknown tags, malformed forms and values deeper than {@link MAX_DEPTH}
 */
export function fromTyped(form: unknown, bytes: ByteForm, depth = 0): unknown {
  if (typeof form !== 'object' || form === null) {
    return form;
  }
  // A tag and its list are two levels of text for one level of value.
  if (depth > MAX_DEPTH * 3) {
    throw new SerializationError(`a payload is nested deeper than ${MAX_DEPTH} levels`);
  }
  if (Array.isArray(form)) {
    return listFromTyped(form, bytes, depth);
  }
  const record = form as Record<string, unknown>;
  const keys = Object.keys(record);
  if (keys.length === 1 && keys[0].startsWith('~')) {
    return fromTag([keys[0], record[keys[0]]], bytes, depth + 1);
  }
  return propertiesFromTyped(record, bytes, depth);
}

function listFromTyped(list: unknown[], bytes: ByteForm, depth: number): unknown[] {
  for (let index = 0; index < list.length; index++) {
    list[index] = fromTyped(list[index], bytes, depth + 1);
  }
  return list;
}

function propertiesFromTyped(record: Record<string, unknown>, bytes: ByteForm, depth: number): Record<string, unknown> {
  // Only own properties are assigned to, `__proto__` included: the setter of `Object.prototype` is never reached.
  for (const key of Object.keys(record)) {
    const item = record[key];
    if (typeof item === 'object' && item !== null) {
      record[key] = fromTyped(item, bytes, depth + 1);
    }
  }
  return record;
}

const NUMBERS: ReadonlyMap<unknown, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
  ['-0', -0],
]);

function fromTag([tag, form]: Tagged, bytes: ByteForm, depth: number): unknown {
  switch (tag) {
    case '~u':
      return undefined;
    case '~n':
      return NUMBERS.get(form) ?? malformed(tag);
    case '~b':
      return typeof form === 'string' && /^-?[0-9a-f]+$/.test(form) ? bigintFromHex(form) : malformed(tag);
    case '~d':
      return new Date(form === null ? NaN : typeof form === 'number' ? form : malformed(tag));
    case '~m':
      return mapFromList(listFromTyped(Array.isArray(form) ? form : malformed(tag), bytes, depth));
    case '~s':
      return new Set(listFromTyped(Array.isArray(form) ? form : malformed(tag), bytes, depth));
    case '~B':
      return bytes.read(form);
    case '~t':
      return Array.isArray(form) ? viewFromBytes(form[0], bytes.read(form[1])) : malformed(tag);
    case '~o':
      return typeof form === 'object' && form !== null && !Array.isArray(form)
        ? propertiesFromTyped(form as Record<string, unknown>, bytes, depth)
        : malformed(tag);
    default:
      // Written by a newer version: a miss here.
      return malformed(tag);
  }
}

/** Hex, because decimal digits take more than linear time to read and to write. */
function bigintFromHex(hex: string): bigint {
  return hex.startsWith('-') ? -BigInt(`0x${hex.slice(1)}`) : BigInt(`0x${hex}`);
}

function mapFromList(list: readonly unknown[]): Map<unknown, unknown> {
  if (list.length % 2 !== 0) {
    malformed('~m');
  }
  const map = new Map();
  for (let index = 0; index < list.length; index += 2) {
    map.set(list[index], list[index + 1]);
  }
  return map;
}

type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView;

const VIEW_NAMES =
  'Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array ' +
  'Float16Array Float32Array Float64Array BigInt64Array BigUint64Array DataView';

/** By name, and only these names; `Float16Array` where the platform has it. */
const VIEWS: ReadonlyMap<unknown, ViewConstructor> = new Map(
  VIEW_NAMES.split(' ').flatMap((name): [string, ViewConstructor][] => {
    const view = (globalThis as unknown as Record<string, ViewConstructor | undefined>)[name];
    return view === undefined ? [] : [[name, view]];
  }),
);

function viewFromBytes(name: unknown, bytes: Buffer): ArrayBuffer | ArrayBufferView {
  // A fresh buffer: aligned for any element size, and not a slice of Node's pool.
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  if (name === 'ArrayBuffer') {
    return buffer;
  }
  const View = VIEWS.get(name) ?? malformed('~t');
  return new View(buffer);
}

function malformed(tag: string): never {
  throw new SerializationError(`a payload holds a malformed or unknown ${JSON.stringify(tag.slice(0, 20))}`);
}
