import { projectIoredis } from '../contenders/caches.mjs';
import { strataCache } from '../contenders/strata.mjs';
import { Departures, now } from '../harness/gone.mjs';

/** One instance with its own L1, or one bare subscriber; tells when a message has had its effect. */
export async function prepare({ contender, redisUrl, namespace }) {
  return contender === 'strata' ? strataInstance(redisUrl, namespace) : subscriber(redisUrl, namespace);
}

async function strataInstance(redisUrl, namespace) {
  let loads = 0;
  const load = async (id) => ({ id, load: ++loads });
  const departures = new Departures();
  const cache = await strataCache({
    load,
    redisUrl,
    namespace,
    maxEntries: 10_000,
    went: (key) => departures.went(key),
  });
  return {
    async hold(key) {
      await cache.get(key);
      if (cache.peek(key)?.id !== key) throw new Error(`${key} is not in L1`);
      departures.hold(key);
    },
    gone: () => departures.gone(),
    async send(key) {
      const at = now();
      const { acknowledged } = await cache.cache.delete(key);
      if (!acknowledged) throw new Error('an invalidation was not acknowledged');
      return at;
    },
    cpu: () => process.cpuUsage(),
    async many({ count, prefix }) {
      const cpu = process.cpuUsage();
      const since = process.hrtime.bigint();
      for (let at = 0; at < count; at++) await cache.cache.delete(`${prefix}${at}`);
      const { user, system } = process.cpuUsage(cpu);
      return { ns: Number(process.hrtime.bigint() - since), cpu: user + system };
    },
    stats: () => cache.strata.stats(),
  };
}

async function subscriber(redisUrl, namespace) {
  const { Redis } = projectIoredis();
  const [own, listening] = [new Redis(redisUrl), new Redis(redisUrl)];
  const departures = new Departures();
  await listening.subscribe(namespace);
  listening.on('message', (_channel, key) => departures.went(key));
  return {
    hold: async (key) => departures.hold(key),
    gone: () => departures.gone(),
    async send(key) {
      const at = now();
      await own.publish(namespace, key);
      return at;
    },
    cpu: () => process.cpuUsage(),
  };
}
