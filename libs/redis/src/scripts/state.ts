/** Binds `now`: TIME, µs, and not a client's clock. Nothing an application server believes about time is used anywhere. */
export const NOW = `
local time = redis.call('TIME')
now = time[1] * 1000000 + time[2]
`;

/** The head is a copy that a read gets in its MGET; whatever changes one of the six values rewrites it. */
export const HEAD = "struct.pack('<dddddd', i, hard, soft, T, U, r)";
export const WRITE_HEAD = `redis.call('SET', hd, ${HEAD})`;

/** A new life of the state: entries and leases of the old one carry another i and are void. */
export const BOOTSTRAP = `
redis.call('DEL', st, hd)
${NOW}
i, c, q, r = tonumber(ARGV[2]), now, 0, run
hard, soft, T, U, m, x, held = now, 0, 0, 0, 0, tonumber(ARGV[3]), 0
redis.call('ZADD', st, i, 'i', c, 'c', 0, 'q', r, 'r', hard, '*', x, 'x', ARGV[4], 'n')
${WRITE_HEAD}
`;

/** What a script may ask for besides `i c q r`, which each needs. By the name it is bound to. */
const MEMBERS = {
  hard: "'*'",
  soft: "'~'",
  T: "'T'",
  U: "'U'",
  m: "'m'",
  x: "'x'",
  /** Until when the key in ARGV[12] is held. */
  held: "'h:' .. ARGV[12]",
} as const;

type Member = keyof typeof MEMBERS;

/**
 * The first lines of every script that knows the coherence state. They bind, for the lines after them: `st`, `hd` (keys), the state
 * `i c q r` and what of it is asked for, and the functions below. Each score costs 0.4 µs of everybody's time: ask for what you need.
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
export function state(...members: readonly Member[]): string {
  const asked = members.map((name) => `, ${MEMBERS[name]}`).join('');
  const bound = members.map((name, at) => `${name} = tonumber(s[${at + 5}]) or 0`).join('\n');
  return `
local st, hd, run = KEYS[1], KEYS[2], tonumber(ARGV[1])
local hard, soft, T, U, m, x, held, now
-- pcall: a foreign value of another type under our key counts as lost state, it must not block the shard for ever.
local s = redis.pcall('ZMSCORE', st, 'i', 'c', 'q', 'r'${asked})
local i, c, q, r = tonumber(s[1]), tonumber(s[2]), tonumber(s[3]), tonumber(s[4])
${bound}
local lost = not (i and c and q and r)
if lost then
${BOOTSTRAP}
end
-- The clock as it was found: lower than one seen before means that an older state was restored under us.
local c0 = c
`;
}

/** For scripts that write the head or forget stamps. */
export const WHOLE_STATE = state('hard', 'soft', 'T', 'U', 'm', 'x');

/** A state that another life of the server left behind must be judged by ATTACH before anything else is done with it. */
export const ATTACHED_ONLY = `
if r ~= run then return {'detached', i} end
`;

/** Whose lease it is: `<flag><token>`, and behind a line break the word of the load before it. `''`: nobody's, only the word is left. */
export const holderOf = (lease: string): string =>
  `(type(${lease}) == 'string' and string.match(${lease}, '^.([^\\n]*)') or '')`;

/** Wakes those who asked to be told of the end of a lease (flag byte 1): `lease` is what GET or MGET returned. */
export const wake = (lease: string, key: string): string => `
if type(${lease}) == 'string' and string.byte(${lease}) == 49 then redis.call(ARGV[5], ARGV[7], ${key}) end
`;

/** The logical clock: above every stamp handed out, and close to TIME. Also when TIME has stepped back. */
export const TICK = `
c = math.max(c + 1, now)
`;

/**
 * Numbers an invalidation, writes the clock and `more` (", score, member, ...") into the state, and tells the other instances. Lua prints 14
 * digits, a stamp has 16, hence %.0f; among the arguments of a command Redis writes numbers with 17, which does for scores.
 */
export const announce = (body: string, more = ''): string => `
local sequence = string.format('%.0f', q + 1)
redis.call('ZADD', st, c, 'c', sequence, 'q'${more})
redis.call(ARGV[5], ARGV[6], string.format('1|%.0f|', i) .. sequence .. '|' .. ${body})
`;

/**
 * Forgets old stamps. A dropped hard tag stamp raises the hard-clear stamp to itself, a soft one the soft-clear stamp: so forgetting never
 * makes an entry valid. For stamps older than any entry can be that costs nothing; beyond `maxTagStamps` it reloads the oldest
 * entries. (Raising it also for the former closes a hole: TIME jumps ahead, stamps are pruned, TIME steps back, and entries that
 * were due to expire are alive again.)
 */
export const PRUNE = `
local function drop(upTo, most)
  local old = redis.call('ZRANGEBYSCORE', st, '100000000000000', upTo, 'WITHSCORES', 'LIMIT', 0, most)
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
    redis.call('ZADD', st, hard, '*', soft, '~')
    ${WRITE_HEAD}
  end
end
-- m and x are state, not configuration: an instance configured with less must not drop what still guards an entry.
local function prune(most) drop(now - (m + x) * 1000, most) end
`;
