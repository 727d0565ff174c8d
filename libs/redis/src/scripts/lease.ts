import { script } from './script.js';
import { ATTACHED_ONLY, HEAD, holderOf, NOW, state, TICK, wake, WRITE_HEAD } from './state.js';

/**
 * Asks for the right to fill a key.
 *
 * KEYS[3] entry · [4] lease
 * ARGV[8] token · [9] id seen by the read · [10] ttl in ms · [11] '1' = force · [12] key · [13] token of the load that was awaited, or ''
 * Returns {'granted', i, c as found, stamp} | {'busy', ms, its token} | {'failed', i[, error]} | {'held', i} | {'changed', i} | {'detached', i}.
 */
export const LEASE = script(
  'lease',
  state('hard', 'soft', 'T', 'U', 'held'),
  ATTACHED_ONLY,
  NOW,
  `
local force = ARGV[11] == '1'
-- A writer holds the key: whatever is loaded now may be older than what it is about to commit.
if held > now then return {'held', i} end
-- pcall: a foreign type under our key is overwritten by the fill.
local id = redis.pcall('GETRANGE', KEYS[3], 0, 15)
if type(id) ~= 'string' then id = '' end
-- With the head lost or overwritten the read could not judge the entry it saw: write it again, and let the caller read again.
local found, lease = unpack(redis.call('MGET', hd, KEYS[4]))
local headless = found ~= ${HEAD}
if headless then ${WRITE_HEAD} end
if not force then
  if headless and id ~= '' then return {'changed', i} end
  -- Somebody filled (or deleted) it since: the caller's picture is outdated.
  if id ~= ARGV[9] then return {'changed', i} end
end
if type(lease) ~= 'string' or lease == '' then lease = '0' end
local holder = ${holderOf('lease')}
local free = holder == '' or holder == ARGV[8] or force
local left = free and 0 or redis.call('PTTL', KEYS[4])
-- Longer than any lease lasts: TIME has stepped back. It ends now, or everybody would wait for a loader that may be dead.
if left > math.max(2 * tonumber(ARGV[10]), 120000) then free = true end
local word = string.match(lease, '\\n.*') or ''
if ARGV[13] ~= '' and not force then
  local of, its, stamp, failure = string.match(word, '^\\n([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  if of == ARGV[13] then
    -- An invalidation of the key has deleted the lease, word and all; what else may have meant the key has a stamp.
    local newest = math.max(hard, soft, T, U)
    if failure ~= '' and tonumber(its) == i and (tonumber(stamp) or 0) > newest then return {'failed', i, failure} end
    if not free then return {'failed', i} end
  end
end
if not free then
  -- Remember that somebody waits: whoever ends the lease wakes him.
  redis.call('SETRANGE', KEYS[4], 0, '1')
  return {'busy', left, holder}
end
`,
  // The stamp of the load's *start*: an invalidation from here on has a higher one. The clock is written back at once, so that none is given twice.
  TICK,
  `
redis.call('ZADD', st, c, 'c')
-- The same token again (a re-sent command) or a stolen lease keeps the waiters' flag; and word of the load before may not have reached everybody.
redis.call('SET', KEYS[4], string.sub(lease, 1, 1) .. ARGV[8] .. word, 'PX', ARGV[10])
return {'granted', i, c0, c}
`,
);

/** Prolongs a lease while its token is ours. KEYS[1] lease · ARGV[8] token · [9] ttl in ms. Returns 1 or 0. */
export const RENEW = script(
  'renew',
  `
local lease = redis.pcall('GET', KEYS[1])
if ${holderOf('lease')} == ARGV[8] then return redis.call('PEXPIRE', KEYS[1], ARGV[9]) end
return 0
`,
);

/**
 * Gives a lease back unfilled. KEYS[1] lease · ARGV[8] token · [9] key · [10] i, stamp and error of a load that has ended, by line breaks; or ''.
 * Returns 1 or 0.
 */
export const RELEASE = script(
  'release',
  `
local lease = redis.pcall('GET', KEYS[1])
-- Somebody else's lease (ours ran out) is left alone.
if ${holderOf('lease')} ~= ARGV[8] then return 0 end
local left = redis.call('PTTL', KEYS[1])
-- First: it works out of memory, and lets what follows work too.
redis.call('DEL', KEYS[1])
-- Only who was told "busy" by this very token will ask for its word.
if ARGV[10] ~= '' and string.sub(lease, 1, 1) == '1' and left > 0 then
  redis.call('SET', KEYS[1], '0\\n' .. ARGV[8] .. '\\n' .. ARGV[10], 'PX', math.min(left, 120000))
end
${wake('lease', 'ARGV[9]')}
return 1
`,
);
