import { Logger } from '@nestjs/common';
import type { Notice, Observer } from '@strata-cache/core';

const logger = new Logger('Strata');

/**
 * The observer of an application: the one that was given, if any. Where it takes no notices, warnings of the engine (a value refused, a
 * breaker that opened) and of the decorators go to Nest's logger, under `Strata`. How often a warning comes is decided in the engine.
 */
export function loggingObserver(given: Observer | undefined): Observer {
  // Something that is no object is left to the engine to refuse.
  if (given !== undefined && (typeof given !== 'object' || given === null || given.notice !== undefined)) return given;
  return {
    // Bound, for members may use private fields; absent stays absent, because a `lookup` takes L1 hits off their short way.
    started: given?.started?.bind(given),
    timed: given?.timed?.bind(given),
    around: given?.around?.bind(given),
    lookup: given?.lookup?.bind(given),
    invalidated: given?.invalidated?.bind(given),
    notice: (notice) => {
      if (notice.level === 'warn') logger.warn(textOf(notice));
    },
  };
}

/** Decorators say where they stand themselves; a notice of the engine may be no more than the text of an error. */
function textOf({ name, cache, message }: Notice): string {
  if (name.startsWith('method.')) return message;
  return cache === undefined || message.includes(`"${cache}"`)
    ? `${name}: ${message}`
    : `${name}: cache "${cache}": ${message}`;
}
