import { plainNamespace } from './shard.js';

/**
 * The rights the tier needs, and no more (Redis >= 6.2; the sharded and cluster ones only on Cluster). `hello` carries the log-in;
 * commands that scripts run need the right too.
 */
export const ACL_COMMANDS: readonly string[] = [
  '+hello',
  '+auth',
  '+client|setname',
  '+select',
  '+info',
  '+time',
  '+mget',
  '+zmscore',
  '+evalsha',
  '+eval',
  '+get',
  '+getrange',
  '+strlen',
  '+exists',
  '+pttl',
  '+set',
  '+setrange',
  '+del',
  '+pexpire',
  '+zadd',
  '+zscore',
  '+zrem',
  '+zcard',
  '+zrangebyscore',
  '+zrange',
  '+zrank',
  '+zremrangebyscore',
  '+publish',
  '+subscribe',
  '+wait',
];
const CLUSTER_COMMANDS: readonly string[] = ['+spublish', '+ssubscribe', '+cluster|slots'];

/**
 * A `user` line for one namespace, without the password: `aclLine('app', 'prod:catalog')`.
 * Keys and channels are limited to the namespace, so that services sharing a server cannot touch each other's.
 */
export function aclLine(
  user: string,
  namespace: string,
  { cluster = false }: { readonly cluster?: boolean } = {},
): string {
  const pattern = `strata:{${plainNamespace(namespace)}.*`;
  const commands = cluster ? [...ACL_COMMANDS, ...CLUSTER_COMMANDS] : ACL_COMMANDS;
  return `user ${user} on ~${pattern} &${pattern} -@all ${commands.join(' ')}`;
}
