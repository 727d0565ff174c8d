import { describe, kindOf, MAX_DEPTH } from './value-kind.js';

/** `'type'`: no wire form; `'cycle'`: contains itself; `'depth'`, `'size'`: beyond the limit. */
export type RefusalCause = 'type' | 'cycle' | 'depth' | 'size';

/** Why a value cannot be stored, and where. */
export interface Refusal {
  readonly cause: RefusalCause;
  /** E.g. `$.items[3].price`, `$.byId.get("42")`, `$.tags.values()[0]`. */
  readonly path: string;
  /** What stands there and what to do; never the value itself. */
  readonly reason: string;
}

export interface SurveyOptions {
  /** Estimated bytes at which the walk stops with cause `'size'`. */
  readonly maxBytes: number;
  /** Default {@link MAX_DEPTH}. */
  readonly maxDepth?: number | undefined;
  /** The value was just decoded: nothing in it can be hidden, so the look for hidden properties is saved. */
  readonly owned?: boolean | undefined;
}

/** What one walk over a value finds out. */
export interface Survey {
  readonly refusal: Refusal | undefined;
  /**
   * Estimated heap bytes: 8 a slot, key lengths, a header per object, 1 a character (2 when samples of the text are
   * beyond latin1). A substructure reachable twice counts twice, as it does on the wire.
   */
  readonly bytes: number;
  /** JSON text alone says it all: no `undefined`, -0, NaN, Date, Map... */
  readonly plain: boolean;
  /** Holds what cannot be frozen: bytes, or a Map, Set or Date somebody else has made non-extensible. */
  readonly unfreezable: boolean;
  /** Holds what only this process would see: symbol keys, non-enumerable properties, array holes, a null prototype. */
  readonly irregular: boolean;
  /** Objects and arrays, in the order met. */
  readonly containers: readonly object[];
  /** Maps, Sets and Dates that can still be changed. */
  readonly mutables: readonly object[];
}

/** Marks functions that replaced a mutator: a Map, Set or Date that owns one is already immutable. */
export const refusesMutation = Symbol('refusesMutation');

export const OBJECT_BYTES = 24;
export const SLOT_BYTES = 8;
const MAP_ENTRY_BYTES = 32;
const BINARY_BYTES = 96;

/**
 * Walks a value once. Never throws of itself (a getter of the value may) and never changes the value.
 * There is no set of visited objects: a cycle runs into the depth or the size limit, and only then is it looked for.
 */
export function surveyValue(value: unknown, options: SurveyOptions): Survey {
  const walk = new Walk(options);
  walk.visit(value, 0);
  return walk;
}

class Walk implements Survey {
  bytes = 0;
  plain = true;
  unfreezable = false;
  irregular = false;
  readonly containers: object[] = [];
  readonly mutables: object[] = [];
  readonly #maxBytes: number;
  readonly #maxDepth: number;
  readonly #owned: boolean;
  #cause: RefusalCause | undefined;
  #reason = '';
  // Made while a refusal travels up, innermost first: the good case pays nothing for paths.
  #segments: string[] | undefined;
  #ancestors: object[] | undefined;

  constructor({ maxBytes, maxDepth = MAX_DEPTH, owned = false }: SurveyOptions) {
    this.#maxBytes = maxBytes;
    this.#maxDepth = maxDepth;
    this.#owned = owned;
  }

  get refusal(): Refusal | undefined {
    if (this.#cause === undefined) {
      return undefined;
    }
    const segments = this.#segments?.toReversed() ?? [];
    const ancestors = this.#ancestors?.toReversed() ?? [];
    const again = ancestors.findIndex((ancestor, index) => ancestors.indexOf(ancestor) < index);
    if (again !== -1) {
      const path = pathOf(segments.slice(0, again));
      return { cause: 'cycle', path, reason: 'contains itself; store ids instead of references' };
    }
    return { cause: this.#cause, path: this.#cause === 'size' ? '$' : pathOf(segments), reason: this.#reason };
  }

  visit(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case 'string':
        return this.#count(textBytes(value));
      case 'number':
        // NaN and the infinities fail the subtraction, -0 the division: JSON has none of them.
        if (value - value !== 0 || (value === 0 && 1 / value < 0)) {
          this.plain = false;
        }
        return true;
      case 'boolean':
        return true;
      case 'undefined':
        this.plain = false;
        return true;
      case 'bigint':
        this.plain = false;
        return this.#count(bigintBytes(value));
      case 'object':
        return value === null || this.#visitObject(value, depth + 1);
      default:
        return this.#refuse('type', `${describe(value)} cannot be stored; leave it out or store what it computes`);
    }
  }

  #visitObject(value: object, depth: number): boolean {
    if (depth > this.#maxDepth) {
      return this.#refuse('depth', `nested deeper than ${this.#maxDepth} levels; flatten it`);
    }
    if (Object.getPrototypeOf(value) === Object.prototype) {
      return this.#visitPlain(value as Record<string, unknown>, depth);
    }
    switch (kindOf(value)) {
      case 'array':
        return this.#visitArray(value as unknown[], depth);
      case 'object':
        this.irregular ||= Object.getPrototypeOf(value) === null;
        return this.#visitPlain(value as Record<string, unknown>, depth);
      case 'map':
        return this.#visitMap(value as Map<unknown, unknown>, depth);
      case 'set':
        return this.#visitSet(value as Set<unknown>, depth);
      case 'date':
        this.#admitMutable(value, 'setTime');
        return this.#count(OBJECT_BYTES * 2);
      case undefined:
        return this.#refuse(
          'type',
          `${describe(value)} cannot be stored; return plain data or declare hydrate, e.g. hydrateAs(TheClass)`,
        );
      default:
        this.plain = false;
        this.unfreezable = true;
        return this.#count(BINARY_BYTES + (value as ArrayBuffer).byteLength);
    }
  }

  #visitPlain(value: Record<string, unknown>, depth: number): boolean {
    this.containers.push(value);
    this.bytes += OBJECT_BYTES;
    let properties = 0;
    for (const key in value) {
      properties++;
      if (!this.#count(SLOT_BYTES + key.length) || !this.visit(value[key], depth)) {
        return this.#blame(value, keySegment(key));
      }
    }
    if (!this.#owned && !this.irregular) {
      // Names are cheaper to count than `Reflect.ownKeys` by a factor of four; symbols are asked for on their own.
      this.irregular =
        Object.getOwnPropertyNames(value).length !== properties || Object.getOwnPropertySymbols(value).length > 0;
    }
    return true;
  }

  #visitArray(value: readonly unknown[], depth: number): boolean {
    this.containers.push(value);
    if (!this.#count(OBJECT_BYTES + SLOT_BYTES * value.length)) {
      return this.#blame(value, '');
    }
    for (let index = 0; index < value.length; index++) {
      const item = value[index];
      if (item === undefined && !(index in value)) {
        this.irregular = true;
      }
      if (!this.visit(item, depth)) {
        return this.#blame(value, `[${index}]`);
      }
    }
    return true;
  }

  #visitMap(value: ReadonlyMap<unknown, unknown>, depth: number): boolean {
    this.#admitMutable(value, 'clear');
    if (!this.#count(OBJECT_BYTES + MAP_ENTRY_BYTES * value.size)) {
      return this.#blame(value, '');
    }
    let index = 0;
    for (const [key, item] of value) {
      if (!this.visit(key, depth)) {
        return this.#blame(value, `.keys()[${index}]`);
      }
      if (!this.visit(item, depth)) {
        return this.#blame(value, `.get(${typeof key === 'string' ? quote(key) : describeKey(key)})`);
      }
      index++;
    }
    return true;
  }

  #visitSet(value: ReadonlySet<unknown>, depth: number): boolean {
    this.#admitMutable(value, 'clear');
    if (!this.#count(OBJECT_BYTES + MAP_ENTRY_BYTES * value.size)) {
      return this.#blame(value, '');
    }
    let index = 0;
    for (const item of value) {
      if (!this.visit(item, depth)) {
        return this.#blame(value, `.values()[${index}]`);
      }
      index++;
    }
    return true;
  }

  #admitMutable(value: object, mutator: string): void {
    this.plain = false;
    if (Object.isExtensible(value)) {
      this.mutables.push(value);
    } else if (!isImmutable(value, mutator)) {
      // `Object.freeze(new Map())` still takes `set`, and no longer takes the property that would forbid it.
      this.unfreezable = true;
    }
  }

  #count(bytes: number): boolean {
    this.bytes += bytes;
    return this.bytes <= this.#maxBytes || this.#refuse('size', `larger than ${this.#maxBytes} bytes`);
  }

  #refuse(cause: RefusalCause, reason: string): false {
    this.#cause = cause;
    this.#reason = reason;
    return false;
  }

  #blame(ancestor: object, segment: string): false {
    (this.#ancestors ??= []).push(ancestor);
    (this.#segments ??= []).push(segment);
    return false;
  }
}

function isImmutable(value: object, mutator: string): boolean {
  const own: unknown = Object.getOwnPropertyDescriptor(value, mutator)?.value;
  return typeof own === 'function' && refusesMutation in own;
}

/** V8 keeps latin1 text at one byte a character; three samples tell the rest apart well enough for a budget. */
export function textBytes(text: string): number {
  const { length } = text;
  const wide = text.charCodeAt(0) > 0xff || text.charCodeAt(length >> 1) > 0xff || text.charCodeAt(length - 1) > 0xff;
  return wide ? length * 2 : length;
}

function bigintBytes(value: bigint): number {
  const small = value < 0xffff_ffff_ffff_ffffn && value > -0xffff_ffff_ffff_ffffn;
  return small ? OBJECT_BYTES : OBJECT_BYTES + value.toString(16).length / 2;
}

function keySegment(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) && key.length <= 60 ? `.${key}` : `[${quote(key)}]`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

function describeKey(key: unknown): string {
  return typeof key === 'object' || typeof key === 'function' ? describe(key) : String(key);
}

/** A path nobody could read is cut in the middle. */
function pathOf(segments: readonly string[]): string {
  const shown = segments.length > 20 ? [...segments.slice(0, 10), '...', ...segments.slice(-5)] : segments;
  return `$${shown.join('')}`;
}
