export { CacheCqrsModule, type CacheCqrsOptions } from './cache-cqrs.module.js';
