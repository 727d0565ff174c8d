/** Stable, matchable error codes. Match on these, never on messages. */
export type CacheErrorCode =
  | 'ERR_CACHE_CONFIG'
  | 'ERR_CACHE_KEY'
  | 'ERR_CACHE_LOAD_TIMEOUT'
  | 'ERR_CACHE_TIER'
  | 'ERR_CACHE_SERIALIZATION'
  | 'ERR_CACHE_EVENT'
  | 'ERR_LOCK'
  | 'ERR_LOCK_TIMEOUT'
  | 'ERR_LEASE_LOST';

/** The root of every error Strata throws itself. A loader's own error is never wrapped in one. */
export class CacheError extends Error {
  readonly code: CacheErrorCode;

  constructor(code: CacheErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.name = new.target.name;
  }
}

/** A wrong or unknown option. Thrown at construction or bootstrap, never later. */
export class CacheConfigError extends CacheError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CACHE_CONFIG', message, cause);
  }
}

/** A key part or tag that cannot be part of a key: wrong type, too long, or a missing tenant. */
export class CacheKeyError extends CacheError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CACHE_KEY', message, cause);
  }
}

/** The loader took longer than `hardTimeout`; its `signal` has been aborted. */
export class LoadTimeoutError extends CacheError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CACHE_LOAD_TIMEOUT', message, cause);
  }
}

/** The second tier did not acknowledge. Surfaces only with `strict`; otherwise it is a metric. */
export class TierError extends CacheError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CACHE_TIER', message, cause);
  }
}

/** A value that has no wire form. Surfaces only from an explicit `set`; a load is returned unstored. */
export class SerializationError extends CacheError {
  /** Where in the value, e.g. `$.items[3].price`. */
  readonly path: string;

  constructor(message: string, path = '$', cause?: unknown) {
    super('ERR_CACHE_SERIALIZATION', message, cause);
    this.path = path;
  }
}

/** An event was not handed to the broker, and does not wait here either. Surfaces only where `emit` was asked for that. */
export class EventError extends CacheError {
  constructor(message: string, cause?: unknown) {
    super('ERR_CACHE_EVENT', message, cause);
  }
}

/** The root of lock errors. */
export class LockError extends CacheError {
  constructor(message: string, code: CacheErrorCode = 'ERR_LOCK', cause?: unknown) {
    super(code, message, cause);
  }
}

/** The lock was not granted within `wait`. */
export class LockTimeoutError extends LockError {
  constructor(message: string, cause?: unknown) {
    super(message, 'ERR_LOCK_TIMEOUT', cause);
  }
}

/** Exclusivity can no longer be assumed: the lease ran out or was lost. */
export class LeaseLostError extends LockError {
  constructor(message: string, cause?: unknown) {
    super(message, 'ERR_LEASE_LOST', cause);
  }
}
