import { ASKED_STATE, DROP_DEAD, LEFT } from './lock-state.js';
import { script } from './script.js';

/**
 * Asks for a lock, and keeps the place in the queue of who has to wait: sent again and again with the same ticket until it is granted or
 * cancelled. A ticket that holds the lock already (its reply was lost) gets the same grant with its full ttl.
 *
 * ARGV[4] ttl in ms · [5] '1' = queue up · [6] µs a waiter counts as alive · [7] ttl of the fence in ms · [8] the highest token this
 * process has seen · [9] number of the connection it is sent on
 * Returns {'granted', token} | {'busy', how many are ahead, ms until it may be free} | {'late'}: of a connection that was given up.
 */
export const ACQUIRE = script(
  'acquire',
  ASKED_STATE,
  LEFT,
  DROP_DEAD,
  `
if newest and (tonumber(newest) or 0) > tonumber(ARGV[9]) then return {'late'} end
local ticket, liveness, now = ARGV[1], tonumber(ARGV[6]), micros()
if holder == ticket then
  redis.call('PEXPIRE', KEYS[1], ttl)
  return {'granted', token}
end
local first = redis.call('EXISTS', KEYS[2]) == 1 and dropDead(now, liveness) or nil
if not holder and (not first or first == ticket) then
  local last = tonumber(fence or 0) or 0
  -- TIME and not a counter: a server that lost its data, or has older data, still hands out higher tokens. Nothing above 2^53 is a token.
  local rising = math.max(last + 1, now, tonumber(ARGV[8]) + 1)
  if rising >= 9007199254740991 then rising = math.max(last < 9007199254740990 and last + 1 or 0, now) end
  token = num(rising)
  local grant = ARGV[4] .. ':0:' .. token .. ':' .. ticket
  if redis.pcall('SET', KEYS[1], grant, 'PX', ARGV[4]).err then
    -- Out of memory: what frees may run, and what comes after it in the same script.
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[1], grant, 'PX', ARGV[4])
  end
  redis.call('SET', KEYS[4], token, 'PX', ARGV[7])
  if first then
    redis.call('ZREM', KEYS[2], ticket)
    redis.call('ZREM', KEYS[3], ticket)
  end
  return {'granted', token}
end
local rank = redis.call('ZRANK', KEYS[2], ticket)
if not rank then rank = redis.call('ZCARD', KEYS[2]) end
if ARGV[5] == '1' then
  redis.call('ZREM', KEYS[3], ticket)
  redis.call('ZADD', KEYS[3], num(now + liveness), ticket)
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
  -- Behind everybody, also when TIME has stepped back. One who was dropped for dead, and is not, queues up anew.
  redis.call('ZADD', KEYS[2], 'NX', num(math.max(now, last and tonumber(last) + 1 or 0)), ticket)
  -- Queues of the dead go by themselves; the living ask again long before.
  redis.call('PEXPIRE', KEYS[2], math.ceil(liveness / 100))
  redis.call('PEXPIRE', KEYS[3], math.ceil(liveness / 100))
end
local retry
if holder then
  retry = left()
else
  -- Free, and it is somebody else's turn: until he has asked, or counts as dead.
  retry = first and math.ceil((tonumber(redis.call('ZSCORE', KEYS[3], first) or now) - now) / 1000) or 1
end
return {'busy', rank, math.max(retry, 1)}
`,
);

/**
 * The first words of an instance on a new connection to a shard it has used on another one. What it asked for there may still be under way
 * (a server that stood still, a network that did), and would be granted to an attempt that has ended: from now on it is refused.
 *
 * KEYS[1] number of the newest connection · ARGV[1] this one's · [2] its ttl in ms: longer than bytes can be under way
 */
export const ARRIVE = script(
  'arrive',
  `
if (tonumber(redis.call('GET', KEYS[1]) or 0) or 0) >= tonumber(ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
);
