import { Logger } from '@nestjs/common';
import type { Observer } from '@strata-cache/nestjs';

const logger = new Logger('Cache');

/** Writes each lookup to the debug log, and the engine's warnings to the log as such. For development: it costs on every hit. */
export const cacheLog: Observer = {
  lookup(_cache, outcome, tier, key) {
    // The key begins with the cache's name.
    logger.debug(`${outcome}${tier ? ` (${tier})` : ''} ${key}`);
  },
  notice({ level, name, message }) {
    logger[level](`${name}: ${message}`);
  },
};
