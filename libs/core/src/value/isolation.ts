import { cloneValue } from './clone-value.js';
import type { Isolation } from '../definition.js';
import { refusesMutation, surveyValue, type Refusal, type Survey, type SurveyOptions } from './survey.js';
import { describe } from './value-kind.js';

export interface AdmitOptions extends SurveyOptions {
  readonly isolation: Isolation;
  /** The value was just decoded: nobody else holds it, so it need not be copied before it is kept. */
  readonly owned?: boolean | undefined;
}

/** What may enter L1, and how. */
export interface Admitted {
  readonly ok: true;
  /** What to keep and to serialize: usually the value itself, otherwise a copy of it. */
  readonly value: unknown;
  /** Estimated heap bytes; see `Survey.bytes`. */
  readonly bytes: number;
  /** Every hit must hand out `cloneValue(value)`. */
  readonly needsClone: boolean;
  /** JSON text alone says it all: passed on to `encodePayload`, it saves the serializer its own look. */
  readonly plain: boolean;
}

export type Admission = Admitted | ({ readonly ok: false } & Refusal);

const READ_ONLY = 'this value is cached by Strata and frozen; copy it before you change it';

/**
 * Decides whether a value may be kept, and isolates it from its readers. One walk, then one pass of freezing:
 * a value that is refused is left untouched.
 *
 * - Refused, with the path: class instances (also boxed primitives, Errors, RegExps, subclasses of Map...), functions,
 *   symbols, Promises, Weak collections, streams, SharedArrayBuffers, cycles, and what is too deep or too large.
 *   One object reachable twice is fine; it counts twice.
 * - `'frozen'`: objects and arrays are deep-frozen; Dates, Maps and Sets get own mutators that throw a TypeError
 *   (`Map.prototype.set.call(map, ...)` is beyond anyone's reach). Bytes cannot be frozen: a value that holds a Buffer,
 *   typed array or ArrayBuffer is copied now and on every hit, and nothing of the original is frozen.
 * - `'cloned'`: copied now and on every hit. `'shared'`: the reference itself.
 * - Data is what JSON and `structuredClone` call data: own enumerable properties with string keys. A value with symbol
 *   keys, non-enumerable properties, array holes or null-prototype objects is kept as a copy without them, so that every
 *   tier answers alike. Extra properties of arrays are not looked for. A getter is read like data and stays a getter.
 */
export function admit(value: unknown, options: AdmitOptions): Admission {
  try {
    const survey = surveyValue(value, options);
    const { refusal } = survey;
    return refusal === undefined ? isolate(value, survey, options) : { ok: false, ...refusal };
  } catch (error) {
    // A getter or a proxy of the value: what it throws is not ours to show.
    return { ok: false, cause: 'type', path: '$', reason: `reading it threw ${describe(error)}` };
  }
}

function isolate(value: unknown, survey: Survey, options: AdmitOptions): Admission {
  const { bytes, plain } = survey;
  const admitted = { ok: true, value, bytes, needsClone: false, plain } as const;
  if (options.isolation === 'shared' || typeof value !== 'object' || value === null) {
    return admitted;
  }
  if (options.isolation === 'cloned' || survey.unfreezable) {
    return { ...admitted, value: options.owned === true ? value : cloneValue(value), needsClone: true };
  }
  if (survey.irregular) {
    return admit(cloneValue(value), { ...options, owned: true });
  }
  freeze(survey);
  return admitted;
}

function freeze({ containers, mutables }: Survey): void {
  for (const mutable of mutables) {
    makeImmutable(mutable);
  }
  for (const container of containers) {
    Object.freeze(container);
  }
}

const throwing: PropertyDescriptor = {
  value: Object.assign(
    (): never => {
      throw new TypeError(READ_ONLY);
    },
    { [refusesMutation]: true },
  ),
};

/** Only what the platform has: `'getOrInsert' in map` must stay a valid feature test. */
function mutatorsOf(prototype: object, names: readonly string[]): readonly string[] {
  return names.filter((name) => Object.hasOwn(prototype, name));
}

const MAP_MUTATORS = mutatorsOf(Map.prototype, ['set', 'delete', 'clear', 'getOrInsert', 'getOrInsertComputed']);
const SET_MUTATORS = mutatorsOf(Set.prototype, ['add', 'delete', 'clear']);
const DATE_MUTATORS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'));

/** Freezing does not reach internal slots, so the mutators are shadowed: own, and invisible to deep comparison. */
function makeImmutable(value: object): void {
  // The same object twice in one value.
  if (!Object.isExtensible(value)) {
    return;
  }
  // Property by property: `defineProperties` costs half as much again.
  for (const name of mutatorsIn(value)) {
    Object.defineProperty(value, name, throwing);
  }
  Object.freeze(value);
}

function mutatorsIn(value: object): readonly string[] {
  if ('getTime' in value) {
    return DATE_MUTATORS;
  }
  return 'get' in value ? MAP_MUTATORS : SET_MUTATORS;
}
