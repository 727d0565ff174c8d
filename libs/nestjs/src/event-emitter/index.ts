export { CacheEventEmitterModule, type CacheEventEmitterOptions } from './cache-event-emitter.module.js';
