import { CACHES } from '../contenders/caches.mjs';
import { timed } from '../harness/timed.mjs';

const LOAD_MS = 50;
/** Cold keys that are wanted before anything is measured, by how many callers each, and how long each takes to load. */
const WARM_KEYS = 150;
const WARM_CALLERS = 20;
const WARM_LOAD_MS = 1;

/** One of the processes whose callers all want the same cold key. The parent counts loads over all of them. */
export async function prepare({ contender, redisUrl, namespace }) {
  let loads = 0;
  let failing = false;
  let loadMs = LOAD_MS;
  const load = async (key) => {
    loads++;
    await new Promise((resolve) => setTimeout(resolve, loadMs));
    if (failing) throw new Error('the source is down');
    return { id: key, name: `Product ${key}` };
  };
  const cache = await CACHES[contender]({ load, redisUrl, maxEntries: 10_000, namespace });
  return {
    /** A process that has served for a while: the same keys in all of them, so that they wait for each other as well. */
    async warm() {
      loadMs = WARM_LOAD_MS;
      for (let index = 0; index < WARM_KEYS; index++) {
        await Promise.all(Array.from({ length: WARM_CALLERS }, () => answer(() => cache.get(`warm-${index}`))));
      }
      loadMs = LOAD_MS;
    },
    /** `callers` of one key, at the instant `at` (wall clock) that all processes share. */
    async rush({ key, callers, fails, at }) {
      failing = fails;
      loads = 0;
      await new Promise((resolve) => setTimeout(resolve, at - Date.now()));
      const { ns, cpu, result } = await timed(() =>
        Promise.all(Array.from({ length: callers }, () => answer(() => cache.get(key)))),
      );
      const wrong = result.filter((outcome) => (fails ? outcome !== 'error' : outcome !== key)).length;
      return { ms: ns / 1e6, cpu: cpu / 1_000, loads, wrong };
    },
  };
}

/** The id that came back, or `'error'` for a rejection (and for `undefined`, which one library answers instead). */
async function answer(get) {
  try {
    return (await get())?.id ?? 'error';
  } catch {
    return 'error';
  }
}
