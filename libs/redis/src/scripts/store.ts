import { script } from './script.js';
import { announce, ATTACHED_ONLY, holderOf, NOW, state, TICK, wake } from './state.js';

/**
 * Stores under a lease.
 *
 * KEYS[3] entry · [4] lease
 * ARGV[8] token · [9] i · [10] stamp · [11] entry bytes · [12] ttl in ms · [13] key · [14] message body, '' = do not announce
 * Returns {'stored', i, c as found, c} | {'refused', i, reason} | {'detached', i}.
 */
export const FILL = script(
  'fill',
  state('hard', 'm', 'x'),
  ATTACHED_ONLY,
  `
local lease = redis.pcall('GET', KEYS[4])
-- No lease of ours: an invalidation of the key came in between, or it ran out. This is what closes the stale-fill race.
if ${holderOf('lease')} ~= ARGV[8] then return {'refused', i, 'lease'} end
`,
  NOW,
  `
local stamp = tonumber(ARGV[10])
local ttl = tonumber(ARGV[12])
local m0 = m
local reason
if i ~= tonumber(ARGV[9]) then
  -- The state was lost since: invalidations may be missing.
  reason = 'incarnation'
elseif stamp <= hard then
  -- Everything was cleared since.
  reason = 'cleared'
else
  m = math.max(m, ttl)
  -- No entry outlives its load's start by more than m + x: older tag stamps are pruned and could not void it.
  ttl = math.min(ttl, math.floor(m + x - (now - stamp) / 1000))
  if ttl < 1 then
    reason = 'late'
  else
    -- Before any other write: out of memory it must fail, and the lease still be given back.
    local set = redis.pcall('SET', KEYS[3], ARGV[11], 'PX', string.format('%.0f', ttl))
    if set.err then
      reason = 'memory'
    else
      -- Raw TIME, never the logical clock: ages are told by it.
      redis.call('SETRANGE', KEYS[3], 20, struct.pack('<d', now))
    end
  end
end
redis.call('DEL', KEYS[4])
${wake('lease', 'ARGV[13]')}
if reason then return {'refused', i, reason} end
if m > m0 then redis.call('ZADD', st, m, 'm') end
-- A put replaces what other instances hold; a load only adds.
if ARGV[14] ~= '' then
${announce('ARGV[14]')}
end
return {'stored', i, c0, c}
`,
);

/**
 * Stores in order of arrival or by version. Ends a running load of the key: what it brings is older.
 *
 * KEYS[3] entry · [4] lease · [5] version
 * ARGV[8] entry bytes · [9] ttl in ms · [10] version or '' · [11] ttl of the version in ms · [12] key · [13] message body
 * Returns {'stored', i, c as found, c} | {'refused', i, reason} | {'detached', i}.
 */
export const PUT = script(
  'put',
  state('m', 'held'),
  ATTACHED_ONLY,
  NOW,
  `
if ARGV[10] ~= '' then
  local stored = tonumber((redis.pcall('GET', KEYS[5])))
  -- A newer one is there (or was, and was deleted): this one arrived late, it changes nothing.
  if stored and stored > tonumber(ARGV[10]) then return {'refused', i, 'version'} end
end
local lease = redis.pcall('GET', KEYS[4])
`,
  TICK,
  `
local ttl = tonumber(ARGV[9])
local reason
if held > now then
  reason = 'held'
elseif ttl < 1 then
  reason = 'ttl'
else
  -- Before any other write: out of memory it must fail.
  local set = redis.pcall('SET', KEYS[3], ARGV[8], 'PX', string.format('%.0f', ttl))
  if set.err then
    reason = 'memory'
  else
    -- storedAt, incarnation and stamp stand side by side in the header.
    redis.call('SETRANGE', KEYS[3], 20, struct.pack('<ddd', now, i, c))
  end
end
-- Not stored, but the value changed: what is there is outdated.
if reason then redis.call('DEL', KEYS[3]) end
redis.call('DEL', KEYS[4])
${wake('lease', 'ARGV[12]')}
if ARGV[10] ~= '' then redis.call('SET', KEYS[5], ARGV[10], 'PX', ARGV[11]) end
if ttl > m then redis.call('ZADD', st, ttl, 'm') end
${announce('ARGV[13]')}
if reason then return {'refused', i, reason} end
return {'stored', i, c0, c}
`,
);
