import type { CacheRuntime } from '../cache-runtime.js';
import type { Observer } from '../observer.js';

/** Longest wire form of an error, in UTF-16 units: it stands beside a lease, in memory that nobody counts. */
const MAX_ERROR_LENGTH = 4_096;

/** The wire form of a load's error; `''` when it is not to be shared, or cannot be. Never throws: the error itself must get through. */
export function writeError(runtime: CacheRuntime, error: unknown, observer: Observer): string {
  const { sharedErrors } = runtime.definition;
  if (sharedErrors === undefined) {
    return '';
  }
  try {
    const text: string = JSON.stringify(sharedErrors.dehydrate(error)) ?? '';
    if (text.length <= MAX_ERROR_LENGTH) {
      return text;
    }
    notShared(runtime, observer, `its wire form has ${text.length} characters, at most ${MAX_ERROR_LENGTH} are sent`);
  } catch (fault) {
    notShared(runtime, observer, String(fault));
  }
  return '';
}

/** The error in a wire form, which anybody may have written; undefined when it is not understood. */
export function readError(
  runtime: CacheRuntime,
  text: string,
  observer: Observer,
): { readonly error: unknown } | undefined {
  const { sharedErrors } = runtime.definition;
  if (sharedErrors === undefined || text.length > MAX_ERROR_LENGTH) {
    return undefined;
  }
  try {
    const error: unknown = sharedErrors.hydrate(JSON.parse(text));
    return error === undefined ? undefined : { error };
  } catch (fault) {
    notShared(runtime, observer, String(fault));
    return undefined;
  }
}

function notShared({ name }: CacheRuntime, observer: Observer, reason: string): void {
  const message = `cache "${name}": the error of a load was not shared; ${reason}`;
  observer.notice?.({ level: 'debug', name: 'error.unshared', cache: name, message });
}
