export { redis } from './redis.js';
export type { ClusterSource, RedisTierOptions, ServerChangePolicy } from './options.js';
export { ACL_COMMANDS, aclLine } from './acl.js';
