import { script } from './script.js';
import { announce, ATTACHED_ONLY, NOW, PRUNE, state, TICK, wake, WHOLE_STATE, WRITE_HEAD } from './state.js';

/**
 * Ends the life of `count` entries, KEYS[3], ..., and voids the leases of their loaders, which stand behind them. Their names stand in ARGV
 * from `first` on. DEL is the first write: it works out of memory, and lets what follows work too.
 */
const endEntries = (count: string, first: number, gently = 'false'): string => `
local n, gently = ${count}, ${gently}
local running = redis.call('MGET', unpack(KEYS, 3 + n, 2 + 2 * n))
redis.call('DEL', unpack(KEYS, gently and 3 + n or 3, 2 + 2 * n))
for k = 1, n do
  local lease, entry = running[k], KEYS[2 + k]
  ${wake('lease', `ARGV[${first - 1} + k]`).trim()}
  -- Flag byte 16 = never fresh again; SETRANGE keeps the ttl. Without the length check an absent key would be created, without one.
  local size = gently and redis.pcall('STRLEN', entry)
  if type(size) == 'number' and size > 16 then redis.call('SETRANGE', entry, 16, '1') end
end
`;

/**
 * Deletes or expires entries.
 *
 * KEYS[3], ... entries, then as many leases
 * ARGV[8] 'delete' | 'expire' · [9] message body · [10], ... the keys
 * Returns {'done', i, c as found, c} | {'detached', i}.
 */
export const INVALIDATE_KEYS = script(
  'invalidateKeys',
  state(),
  ATTACHED_ONLY,
  endEntries('(#KEYS - 2) / 2', 10, "ARGV[8] == 'expire'"),
  `
-- No stamp is given: the clock need not be close to TIME, only move, so that who comes later can tell an older state.
c = c + 1
${announce('ARGV[9]')}
return {'done', i, c0, c}
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
  WHOLE_STATE,
  ATTACHED_ONLY,
  NOW,
  PRUNE,
  endEntries('1', 10),
  `
local till = now + tonumber(ARGV[9]) * 1000
-- Each holder by its token: the first of two writers that is done must not lift the other's hold.
redis.call('ZADD', KEYS[5], till, ARGV[8])
local last = math.max(till, tonumber(redis.call('ZSCORE', st, 'h:' .. ARGV[10])) or 0)
redis.call('PEXPIRE', KEYS[5], string.format('%.0f', math.ceil((last - now) / 1000) + 1000))
`,
  TICK,
  `
-- In the state as well: if the set of holders is lost the hold still runs out by itself.
${announce('ARGV[11]', ", last, 'h:' .. ARGV[10]")}
prune(200)
return {'done', i, c0, c}
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
  state(),
  ATTACHED_ONLY,
  NOW,
  endEntries('1', 9),
  `
-- Only who is a holder may lift; a token that is gone leaves the hold to run out.
if redis.call('ZREM', KEYS[5], ARGV[8]) == 1 then
  redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now)
  -- The hold of the others, no longer: a short one of a writer that crashed must not last as long as ours would have.
  local others = redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', '+inf', 'WITHSCORES')
  if #others > 0 then
    redis.call('ZADD', st, others[#others], 'h:' .. ARGV[9])
  else
    redis.call('ZREM', st, 'h:' .. ARGV[9])
  end
end
`,
  TICK,
  `
${announce('ARGV[10]')}
return {'done', i, c0, c}
`,
);

/**
 * Invalidates tags: entries whose load began before are void when read.
 *
 * ARGV[8] 'delete' | 'expire' · [9] message body · [10] maxTagStamps · [11], ... tags
 */
export const INVALIDATE_TAGS = script(
  'invalidateTags',
  WHOLE_STATE,
  ATTACHED_ONLY,
  NOW,
  PRUNE,
  TICK,
  `
-- The first write is a DEL, so that it works out of memory; the head is written again below.
redis.call('DEL', hd)
local gently = ARGV[8] == 'expire'
if gently then U = c else T = c end
local kind, stamps = gently and 'u:' or 't:', {c, gently and 'U' or 'T'}
for n = 11, #ARGV do
  stamps[#stamps + 1] = c
  stamps[#stamps + 1] = kind .. ARGV[n]
end
${announce('ARGV[9]', ', unpack(stamps)')}
prune(200 + 2 * #ARGV)
-- Bounded memory: twelve members are not tags; at most 4000 at a time, so that the server is not held up.
local over = redis.call('ZCARD', st) - 12 - tonumber(ARGV[10])
if over > 0 then drop(c, math.min(over + 8, 4000)) end
${WRITE_HEAD}
return {'done', i, c0, c}
`,
);

/** Clears the shard: everything whose load began before is void (or stale). ARGV[8] 'delete' | 'expire' · [9] message body */
export const CLEAR = script(
  'clear',
  WHOLE_STATE,
  ATTACHED_ONLY,
  NOW,
  PRUNE,
  TICK,
  `
-- The first write is a DEL, so that it works out of memory; the head is written again below.
redis.call('DEL', hd)
if ARGV[8] == 'expire' then
  soft = c
  redis.call('ZADD', st, c, '~')
else
  -- Nothing older is valid any more, so nothing older needs guarding: the longest ttl is counted anew.
  hard = c
  m = 0
  redis.call('ZADD', st, c, '*', 0, 'm')
end
${announce('ARGV[9]')}
prune(200)
${WRITE_HEAD}
return {'done', i, c0, c}
`,
);
