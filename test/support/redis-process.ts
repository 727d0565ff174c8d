import { launchServer, type ServerLaunch, type ServerProcess } from './server-process.js';

/** Starts `redis-server` (or what `STRATA_REDIS_SERVER` names, e.g. valkey-server) within 15 s, unless told otherwise. */
export function launchRedis(
  args: readonly string[],
  options: Pick<ServerLaunch, 'ready' | 'env' | 'within'>,
): Promise<ServerProcess> {
  return launchServer({
    within: 15_000,
    ...options,
    program: process.env.STRATA_REDIS_SERVER ?? 'redis-server',
    args,
    debian: 'redis-server',
    otherwise: ' or set STRATA_REDIS_SERVER to its path',
  });
}
