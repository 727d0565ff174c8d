import { script } from './script.js';
import { ANNOUNCE, ATTACHED_ONLY, PRUNE, STATE, TICK, WAKE } from './state.js';

/** Ends the life of one entry and voids the lease of its loader. DEL comes first: it works out of memory, and lets what follows work too. */
const END_ENTRY = `
local function finish(entry, lease, key, gently)
  local running = redis.pcall('GET', lease)
  redis.call('DEL', lease)
  wake(running, key)
  if not gently then
    redis.call('DEL', entry)
  else
    -- Flag byte 16 = never fresh again; SETRANGE keeps the ttl. Without the length check an absent key would be created, without one.
    local size = redis.pcall('STRLEN', entry)
    if type(size) == 'number' and size > 16 then redis.call('SETRANGE', entry, 16, '1') end
  end
end
`;

/**
 * Deletes or expires entries.
 *
 * KEYS[3], [4], ... entry and lease of each key
 * ARGV[8] 'delete' | 'expire' · [9] message body · [10], ... the keys
 * Returns {'done', i, c as found, c} | {'detached', i}.
 */
export const INVALIDATE_KEYS = script(
  'invalidateKeys',
  STATE,
  ATTACHED_ONLY,
  WAKE,
  ANNOUNCE,
  PRUNE,
  END_ENTRY,
  `
for n = 3, #KEYS, 2 do finish(KEYS[n], KEYS[n + 1], ARGV[10 + (n - 3) / 2], ARGV[8] == 'expire') end
`,
  TICK,
  `
announce(ARGV[9])
prune(200)
return {'done', num(i), num(c0), num(c)}
`,
);

/**
 * Deletes an entry and forbids filling it for a while (write hold).
 *
 * KEYS[3] entry · [4] lease · [5] holders
 * ARGV[8] token · [9] ttl in ms · [10] key · [11] message body
 */
export const HOLD = script(
  'hold',
  STATE,
  ATTACHED_ONLY,
  WAKE,
  ANNOUNCE,
  PRUNE,
  END_ENTRY,
  `
finish(KEYS[3], KEYS[4], ARGV[10], false)
local till = now + tonumber(ARGV[9]) * 1000
-- Each holder by its token: the first of two writers that is done must not lift the other's hold.
redis.call('ZADD', KEYS[5], num(till), ARGV[8])
local last = math.max(till, tonumber(redis.call('ZSCORE', st, 'h:' .. ARGV[10])) or 0)
-- If the set of holders is lost the hold still runs out by itself.
redis.call('ZADD', st, num(last), 'h:' .. ARGV[10])
redis.call('PEXPIRE', KEYS[5], num(math.ceil((last - now) / 1000) + 1000))
`,
  TICK,
  `
announce(ARGV[11])
prune(200)
return {'done', num(i), num(c0), num(c)}
`,
);

/**
 * Deletes an entry and lifts one holder's hold.
 *
 * KEYS[3] entry · [4] lease · [5] holders
 * ARGV[8] token · [9] key · [10] message body
 */
export const UNHOLD = script(
  'unhold',
  STATE,
  ATTACHED_ONLY,
  WAKE,
  ANNOUNCE,
  PRUNE,
  END_ENTRY,
  `
finish(KEYS[3], KEYS[4], ARGV[9], false)
-- Only who is a holder may lift; a token that is gone leaves the hold to run out.
if redis.call('ZREM', KEYS[5], ARGV[8]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', num(now))
  -- The hold of the others, no longer: a short one of a writer that crashed must not last as long as ours would have.
  local others = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', '+inf', 'WITHSCORES')
  if #others > 0 then
    redis.call('ZADD', st, num(tonumber(others[#others])), 'h:' .. ARGV[9])
  else
    redis.call('ZREM', st, 'h:' .. ARGV[9])
  end
end
`,
  TICK,
  `
announce(ARGV[10])
prune(200)
return {'done', num(i), num(c0), num(c)}
`,
);

/**
 * Invalidates tags: entries whose load began before are void when read.
 *
 * ARGV[8] 'delete' | 'expire' · [9] message body · [10] maxTagStamps · [11], ... tags
 */
export const INVALIDATE_TAGS = script(
  'invalidateTags',
  STATE,
  ATTACHED_ONLY,
  ANNOUNCE,
  PRUNE,
  TICK,
  `
-- The first write is a DEL, so that it works out of memory; the head is written again below.
redis.call('DEL', hd)
local kind = ARGV[8] == 'expire' and 'u:' or 't:'
for n = 11, #ARGV do redis.call('ZADD', st, num(c), kind .. ARGV[n]) end
if kind == 't:' then T = c else U = c end
redis.call('ZADD', st, num(T), 'T', num(U), 'U')
announce(ARGV[9])
prune(200 + 2 * #ARGV)
-- Bounded memory: twelve members are not tags; at most 4000 at a time, so that the server is not held up.
local over = redis.call('ZCARD', st) - 12 - tonumber(ARGV[10])
if over > 0 then drop(c, math.min(over + 8, 4000)) end
head()
return {'done', num(i), num(c0), num(c)}
`,
);

/** Clears the shard: everything whose load began before is void (or stale). ARGV[8] 'delete' | 'expire' · [9] message body */
export const CLEAR = script(
  'clear',
  STATE,
  ATTACHED_ONLY,
  ANNOUNCE,
  PRUNE,
  TICK,
  `
-- The first write is a DEL, so that it works out of memory; the head is written again below.
redis.call('DEL', hd)
if ARGV[8] == 'expire' then
  soft = c
  redis.call('ZADD', st, num(c), '~')
else
  -- Nothing older is valid any more, so nothing older needs guarding: the longest ttl is counted anew.
  hard = c
  m = 0
  redis.call('ZADD', st, num(c), '*', 0, 'm')
end
announce(ARGV[9])
prune(200)
head()
return {'done', num(i), num(c0), num(c)}
`,
);
