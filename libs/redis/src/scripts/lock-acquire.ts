import { holderOf, NOW } from './lock-state.js';
import { script } from './script.js';

/** How long a waiter that has not asked again counts as alive, ms: it asks three times in that. */
const LIVENESS = 3_000;
/**
 * How long the last token of a lock nobody takes is remembered, ms. Tokens are of TIME: only where it was set back by more than this would
 * a forgotten one be given again.
 */
const FENCE_TTL = 86_400_000;

/**
 * Binds `first`: who is first in the queue, once the dead have left it. Whoever has not asked again in time is dead: a process that was killed
 * must not keep the lock from those behind it. A few at a time. Deadlines further ahead than any is given (TIME has stepped back) begin anew.
 */
const DROP_DEAD = `
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, 64)) do
  redis.call('ZREM', KEYS[3], dead)
  redis.call('ZREM', KEYS[2], dead)
end
local far = redis.call('ZRANGEBYSCORE', KEYS[3], string.format('(%.0f', now + 2 * liveness), '+inf', 'LIMIT', 0, 64)
for _, waiter in ipairs(far) do redis.call('ZADD', KEYS[3], now + liveness, waiter) end
-- A first one without a sign of life (that key was evicted): the living put theirs back when they ask.
for _ = 1, 64 do
  first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not first or redis.call('ZSCORE', KEYS[3], first) then break end
  redis.call('ZREM', KEYS[2], first)
  first = nil
end
`;

/** Binds `retry`: how long the holder may still have it, ms. */
const LEFT = `
retry = redis.call('PTTL', KEYS[1])
-- TIME has stepped back (or the ttl was taken off): a dead holder would keep the lock for as long as the step.
if retry < 0 or retry > tonumber(ttl) then
  retry = tonumber(ttl)
  redis.call('PEXPIRE', KEYS[1], retry)
end
`;

/**
 * Asks for a lock, and keeps the place in the queue of who has to wait: sent again and again with the same ticket until it is granted or
 * cancelled. A ticket that holds the lock already (its reply was lost) gets the same grant with its full ttl.
 *
 * ARGV[2] ttl in ms · [3] '1' = queue up · [4] the highest token this process has seen · [5] number of the connection it is sent on
 * Returns token | {how many are ahead, ms until it may be free} | nil: of a connection that was given up.
 */
export const ACQUIRE = script(
  'acquire',
  `
local value, fence, newest = unpack(redis.call('MGET', KEYS[1], KEYS[4], KEYS[5]))
${holderOf('value')}
if newest and (tonumber(newest) or 0) > tonumber(ARGV[5]) then return nil end
local ticket, liveness = ARGV[1], ${LIVENESS * 1_000}
if holder == ticket then
  redis.call('PEXPIRE', KEYS[1], ttl)
  return tonumber(token)
end
${NOW}
local first
if redis.call('EXISTS', KEYS[2]) == 1 then
${DROP_DEAD}
end
if not holder and (not first or first == ticket) then
  local last = tonumber(fence or 0) or 0
  -- TIME and not a counter: a server that lost its data, or has older data, still hands out higher tokens. Nothing above 2^53 is a token.
  local rising = math.max(last + 1, now, tonumber(ARGV[4]) + 1)
  if rising >= 9007199254740991 then rising = math.max(last < 9007199254740990 and last + 1 or 0, now) end
  -- Lua prints 14 digits, a token has 16.
  token = string.format('%.0f', rising)
  local grant = ARGV[2] .. ':0:' .. token .. ':' .. ticket
  if redis.pcall('SET', KEYS[1], grant, 'PX', ARGV[2]).err then
    -- Out of memory: what frees may run, and what comes after it in the same script.
    redis.call('DEL', KEYS[1])
    redis.call('SET', KEYS[1], grant, 'PX', ARGV[2])
  end
  redis.call('SET', KEYS[4], token, 'PX', '${FENCE_TTL}')
  if first then
    redis.call('ZREM', KEYS[2], ticket)
    redis.call('ZREM', KEYS[3], ticket)
  end
  return rising
end
local rank = redis.call('ZRANK', KEYS[2], ticket)
if not rank then rank = redis.call('ZCARD', KEYS[2]) end
if ARGV[3] == '1' then
  redis.call('ZREM', KEYS[3], ticket)
  redis.call('ZADD', KEYS[3], now + liveness, ticket)
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')[2]
  -- Behind everybody, also when TIME has stepped back. One who was dropped for dead, and is not, queues up anew.
  redis.call('ZADD', KEYS[2], 'NX', math.max(now, last and tonumber(last) + 1 or 0), ticket)
  -- Queues of the dead go by themselves; the living ask again long before.
  redis.call('PEXPIRE', KEYS[2], '${LIVENESS * 10}')
  redis.call('PEXPIRE', KEYS[3], '${LIVENESS * 10}')
end
local retry
if holder then
${LEFT}
else
  -- Free, and it is somebody else's turn: until he has asked, or counts as dead.
  retry = first and math.ceil((tonumber(redis.call('ZSCORE', KEYS[3], first) or now) - now) / 1000) or 1
end
return {rank, math.max(retry, 1)}
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
