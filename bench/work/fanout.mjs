import { projectIoredis } from '../contenders/caches.mjs';
import { strataCache } from '../contenders/strata.mjs';

/** One instance with its own L1, or one bare subscriber; tells when a message has had its effect. */
export async function prepare({ contender, redisUrl, namespace }) {
  return contender === 'strata' ? strataInstance(redisUrl, namespace) : subscriber(redisUrl, namespace);
}

async function strataInstance(redisUrl, namespace) {
  let loads = 0;
  const load = async (id) => ({ id, load: ++loads });
  const cache = await strataCache({ load, redisUrl, namespace, maxEntries: 10_000 });
  return {
    async hold(key) {
      await cache.get(key);
      if (cache.peek(key)?.id !== key) throw new Error(`${key} is not in L1`);
    },
    /** The instant at which L1 no longer has the key, by the wall clock that all processes share. */
    gone: (key) => until(() => cache.peek(key) === undefined),
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
  let held;
  await listening.subscribe(namespace);
  listening.on('message', (_channel, key) => {
    if (key === held) held = undefined;
  });
  return {
    hold: async (key) => {
      held = key;
    },
    gone: () => until(() => held === undefined),
    async send(key) {
      const at = now();
      await own.publish(namespace, key);
      return at;
    },
    cpu: () => process.cpuUsage(),
  };
}

const now = () => performance.timeOrigin + performance.now();

/** Looks at every turn of the event loop, so that neither a timer's grain nor a callback's place in the queue is measured. */
function until(done) {
  const giveUpAt = now() + 10_000;
  return new Promise((resolve, reject) => {
    const look = () => {
      const at = now();
      if (done()) resolve(at);
      else if (at > giveUpAt) reject(new Error('10 s passed and the message had no effect'));
      else setImmediate(look);
    };
    look();
  });
}
