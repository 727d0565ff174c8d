import { chooses, parameterNames } from './parameters.js';
import { Recording } from './placeholder.js';

/** What a callback makes of any arguments, as far as that can be told by running it once on placeholders. */
export interface Sketch {
  /** Such as `category:{product.categoryId}`. */
  readonly texts: readonly string[];
  /** False: it may make others as well, because it chooses by values, or because it could not be run. */
  readonly complete: boolean;
}

type Callback = (...args: any[]) => unknown;

const UNKNOWN: Sketch = { texts: [], complete: false };
const NOTHING: Sketch = { texts: [], complete: true };

/** The tags a callback, or a fixed list, makes. */
export function sketchTags(tags: Callback | readonly string[] | undefined, names?: readonly string[]): Sketch {
  if (tags === undefined) return NOTHING;
  if (typeof tags !== 'function') return { texts: [...tags], complete: true };
  return run(tags, names, (result, recording) => textsOf(result, recording));
}

/** The key a callback makes: `productId`, or `[categoryId, page]`. */
export function sketchKey(key: Callback): string {
  const { texts } = run(key, undefined, (result, recording) => {
    const one = recording.textOf(result);
    if (one !== undefined) return [bare(one)];
    const parts = recording.elementsOf(result)?.map((part) => bare(recording.textOf(part) ?? '?'));
    return parts === undefined ? undefined : [`[${parts.join(', ')}]`];
  });
  return texts[0] ?? 'computed';
}

/** The keys that a callback lists. */
export function sketchKeys(keys: Callback, names?: readonly string[]): Sketch {
  return run(keys, names, (result, recording) => keysOf(result, recording));
}

/** What a mapper of `invalidatedBy` makes of a payload. */
export interface EventSketch {
  readonly keys: Sketch;
  readonly tags: Sketch;
  readonly allEntries: boolean;
  readonly mode: 'delete' | 'expire';
}

/** What an event clears in one cache. */
export function sketchEvent(mapper: Callback): EventSketch {
  const part = (name: 'keys' | 'tags', read: Reading): Sketch =>
    run(mapper, undefined, (result, recording) => {
      const value = (result as Record<string, unknown> | undefined)?.[name];
      return value === undefined ? [] : read(value, recording);
    });
  const given = run(mapper, undefined, (result) => {
    const { allEntries, mode } = (result ?? {}) as { readonly allEntries?: unknown; readonly mode?: unknown };
    return [...(allEntries === true ? ['all'] : []), ...(mode === 'expire' ? ['expire'] : [])];
  });
  return {
    keys: part('keys', keysOf),
    tags: part('tags', textsOf),
    allEntries: given.texts.includes('all'),
    mode: given.texts.includes('expire') ? 'expire' : 'delete',
  };
}

type Reading = (result: unknown, recording: Recording) => readonly string[] | undefined;

/** Runs a callback once. It is the user's: whatever it does on placeholders, the application boots. */
function run(callback: Callback, names: readonly string[] | undefined, read: Reading): Sketch {
  const recording = new Recording();
  try {
    const parameters = names ?? parameterNames(callback);
    const texts = read(callback(...parameters.map((name) => recording.placeholder(name))), recording);
    if (texts === undefined) return UNKNOWN;
    return { texts: [...new Set(texts)], complete: !recording.decided && !chooses(callback) };
  } catch {
    return UNKNOWN;
  }
}

function textsOf(result: unknown, recording: Recording): readonly string[] | undefined {
  const texts = recording.elementsOf(result)?.map((element) => recording.textOf(element));
  return texts?.every((text) => text !== undefined) ? (texts as string[]) : undefined;
}

function keysOf(result: unknown, recording: Recording): readonly string[] | undefined {
  return recording.elementsOf(result)?.map((element) => {
    const text = recording.textOf(element);
    if (text !== undefined) return bare(text);
    const parts = recording.elementsOf(element)?.map((part) => bare(recording.textOf(part) ?? '?'));
    return `[${parts?.join(', ') ?? '?'}]`;
  });
}

/** `{id}` alone is the name itself; inside a longer text the braces say where the value stands. */
function bare(text: string): string {
  return /^\{[^{}]*\}$/.test(text) ? text.slice(1, -1) : text;
}

/** Whether two patterns such as `product:{id}` and `product:{product.id}` can be the same tag. */
export function mayMeet(one: string, other: string): boolean {
  const [a, b] = [one, other].map((pattern) => pattern.replace(/\{[^{}]*\}/g, '\0'));
  // The usual way for two patterns with wildcards: meets[j] tells it for the first i characters of one and j of the other.
  let meets = Array.from({ length: b.length + 1 }, (_, j) => j === 0 || /^\0+$/.test(b.slice(0, j)));
  for (const left of a) {
    const next = [left === '\0' && meets[0]];
    for (let j = 1; j <= b.length; j++) {
      const right = b[j - 1];
      const isWild = left === '\0' || right === '\0';
      next[j] = isWild ? meets[j - 1] || meets[j] || next[j - 1] : left === right && meets[j - 1];
    }
    meets = next;
  }
  return meets[b.length];
}
