/**
 * The first lines of every script that knows the coherence state. They bind, for the lines after them:
 * `st`, `hd` (keys), `now` (TIME, µs), the state `i c q r hard soft T U m x`, and the functions below.
 * Every reply that acknowledges begins with its name, `i`, `c` as found and `c` as left.
 *
 * KEYS[1] state ZSET · KEYS[2] head
 * ARGV[1] run id of this connection · [2] a random incarnation · [3] maxStaleness in ms · [4] number of shards
 * ARGV[5] PUBLISH or SPUBLISH · [6] bus channel · [7] wake channel · own arguments from [8]
 *
 * Members of the ZSET (score): `i` incarnation, above every stamp · `c` logical clock, µs · `*` hard-clear stamp · `~` soft-clear
 * stamp · `T`, `U` newest hard and soft tag stamp · `q` bus sequence · `r` run id · `m` largest ttl ever stored, ms · `x` largest
 * maxStaleness of any instance, ms · `n` number of shards · `t:`, `u:` tag stamps · `h:` write-hold until, µs.
 * Everything is in this one key on purpose: what destroys a part of it destroys all of it, and that is noticed.
 *
 * No `#!lua flags=allow-oom`: Redis 6.2 does not know it. Each script that must work out of memory begins its writes with DEL instead;
 * after a first write Redis lets a script finish.
 */
export const STATE = `
local st, hd, run = KEYS[1], KEYS[2], tonumber(ARGV[1])
-- TIME and not a client's clock: nothing an application server believes about time is used anywhere.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- Lua prints 14 digits, a stamp has 16.
local function num(n) return string.format('%.0f', n) end
-- pcall: a foreign value of another type under our key counts as lost state, it must not block the shard for ever.
local s = redis.pcall('ZMSCORE', st, 'i', 'c', 'q', 'r', '*', '~', 'T', 'U', 'm', 'x')
local i, c, q, r = tonumber(s[1]), tonumber(s[2]), tonumber(s[3]), tonumber(s[4])
local hard, soft, T, U = tonumber(s[5]) or 0, tonumber(s[6]) or 0, tonumber(s[7]) or 0, tonumber(s[8]) or 0
local m, x = tonumber(s[9]) or 0, tonumber(s[10]) or 0
-- The head is a copy that a read gets in its MGET; whatever changes one of the six values rewrites it.
local function packed() return struct.pack('<dddddd', i, hard, soft, T, U, r) end
local function head() redis.call('SET', hd, packed()) end
-- A new life of the state: entries and leases of the old one carry another i and are void.
local function bootstrap()
  redis.call('DEL', st, hd)
  i, c, q, r = tonumber(ARGV[2]), now, 0, run
  hard, soft, T, U, m, x = now, 0, 0, 0, 0, tonumber(ARGV[3])
  redis.call('ZADD', st, num(i), 'i', num(c), 'c', 0, 'q', num(r), 'r', num(hard), '*', num(x), 'x', ARGV[4], 'n')
  head()
end
local lost = not (i and c and q and r)
if lost then bootstrap() end
-- The clock as it was found: lower than one seen before means that an older state was restored under us.
local c0 = c
`;

/** A state that another life of the server left behind must be judged by ATTACH before anything else is done with it. */
export const ATTACHED_ONLY = `
if r ~= run then return {'detached', num(i)} end
`;

/** Whose lease it is: `<flag><token>`, and behind a line break the word of the load before it. `''`: nobody's, only the word is left. */
export const HOLDER = `
local function holderOf(lease) return type(lease) == 'string' and string.match(lease, '^.([^\\n]*)') or '' end
`;

/** Ends a lease: wakes those who asked to be told (flag byte 1). `lease` is what GET returned, read by pcall. */
export const WAKE = `
local function wake(lease, key)
  if type(lease) == 'string' and string.sub(lease, 1, 1) == '1' then redis.call(ARGV[5], ARGV[7], key) end
end
`;

/** The logical clock: above every stamp handed out, and close to TIME. Also when TIME has stepped back. */
export const TICK = `
c = math.max(c + 1, now)
`;

/** Numbers an invalidation and tells the other instances. */
export const ANNOUNCE = `
local function announce(body)
  q = q + 1
  redis.call('ZADD', st, num(c), 'c', num(q), 'q')
  redis.call(ARGV[5], ARGV[6], '1|' .. num(i) .. '|' .. num(q) .. '|' .. body)
end
`;

/**
 * Forgets old stamps. A dropped hard tag stamp raises the hard-clear stamp to itself, a soft one the soft-clear stamp: so forgetting never
 * makes an entry valid. For stamps older than any entry can be that costs nothing; beyond `maxTagStamps` it reloads the oldest
 * entries. (Raising it also for the former closes a hole: TIME jumps ahead, stamps are pruned, TIME steps back, and entries that
 * were due to expire are alive again.)
 */
export const PRUNE = `
local function drop(upTo, most)
  local old = redis.call('ZRANGEBYSCORE', st, '100000000000000', num(upTo), 'WITHSCORES', 'LIMIT', 0, most)
  local gone, h0, s0 = {}, hard, soft
  for n = 1, #old, 2 do
    local kind, stamp = string.sub(old[n], 1, 2), tonumber(old[n + 1])
    if kind == 't:' then
      gone[#gone + 1] = old[n]
      hard = math.max(hard, stamp)
    elseif kind == 'u:' then
      gone[#gone + 1] = old[n]
      soft = math.max(soft, stamp)
    elseif kind == 'h:' and stamp < now then
      gone[#gone + 1] = old[n]
    end
  end
  if #gone > 0 then redis.call('ZREM', st, unpack(gone)) end
  if hard ~= h0 or soft ~= s0 then
    redis.call('ZADD', st, num(hard), '*', num(soft), '~')
    head()
  end
end
-- m and x are state, not configuration: an instance configured with less must not drop what still guards an entry.
local function prune(most) drop(now - (m + x) * 1000, most) end
`;
