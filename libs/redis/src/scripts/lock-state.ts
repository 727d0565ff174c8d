/**
 * The first lines of every lock script: who holds the lock, who waits for it, and waking the next one.
 *
 * KEYS[1] lock, `<ttl>:<generation>:<token>:<ticket>` · KEYS[2] queue: ZSET of tickets by order of arrival · KEYS[3] ZSET of tickets by the
 * instant until which they count as alive, µs · only for acquire KEYS[4] fence: the last token · KEYS[5] number of the newest connection
 * ARGV[1] ticket, `<instance>.<number>` · [2] PUBLISH or SPUBLISH · [3] prefix of the instances' channels · own arguments from [4]
 *
 * A call from a script costs about 1 µs of everybody's time, a reply that is a table more: EXISTS is asked before a queue is read.
 * Each script that must work out of memory begins its writes with a command that frees; after it Redis lets a script finish.
 */
const lockState = (read: string): string => `
local function num(n) return string.format('%.0f', n) end
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
-- A foreign value of another type under our key is an error for GET and nothing for MGET: no lock, and overwritten by the next grant.
local ttl, generation, token, holder
${read}
if type(value) == 'string' then ttl, generation, token, holder = string.match(value, '^(%d+):(%d+):(%d+):(.+)$') end
`;

export const LOCK_STATE = lockState("local value = redis.pcall('GET', KEYS[1])");

/** The same, with the last token and the newest connection. */
export const ASKED_STATE = lockState(
  "local value, fence, newest = unpack(redis.call('MGET', KEYS[1], KEYS[4], KEYS[5]))",
);

/** How long the holder may still have it, ms. */
export const LEFT = `
local function left()
  local ms = redis.call('PTTL', KEYS[1])
  -- TIME has stepped back (or the ttl was taken off): a dead holder would keep the lock for as long as the step.
  if ms < 0 or ms > tonumber(ttl) then
    ms = tonumber(ttl)
    redis.call('PEXPIRE', KEYS[1], ms)
  end
  return ms
end
`;

/**
 * Whoever has not asked again in time is dead: a process that was killed must not keep the lock from those behind it. A few at a time.
 * Deadlines further ahead than any is given (TIME has stepped back) begin anew. Returns who is first then.
 */
export const DROP_DEAD = `
local function dropDead(now, liveness)
  local dead = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', num(now), 'LIMIT', 0, 64)
  for _, ticket in ipairs(dead) do
    redis.call('ZREM', KEYS[3], ticket)
    redis.call('ZREM', KEYS[2], ticket)
  end
  local far = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. num(now + 2 * liveness), '+inf', 'LIMIT', 0, 64)
  for _, ticket in ipairs(far) do redis.call('ZADD', KEYS[3], num(now + liveness), ticket) end
  -- A first one without a sign of life (that key was evicted): the living put theirs back when they ask.
  for _ = 1, 64 do
    local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
    if not first or redis.call('ZSCORE', KEYS[3], first) then return first end
    redis.call('ZREM', KEYS[2], first)
  end
end
`;

/**
 * Wakes the first in the queue, on the channel of its instance. Where nobody listens (killed, or reconnecting) that waiter has 500 ms to ask
 * by itself, and the next ones are woken to look again then: the lock is never free with everybody asleep.
 */
export const WAKE_NEXT = `
local function wakeNext()
  if redis.call('EXISTS', KEYS[2]) == 0 then return end
  local first = redis.call('ZRANGE', KEYS[2], 0, 15)
  local now = first[1] and micros()
  for _, ticket in ipairs(first) do
    local instance, number = string.match(ticket, '^(.*)%.(%d+)$')
    if instance and redis.call(ARGV[2], ARGV[3] .. instance, number) > 0 then return end
    local deadline = tonumber(redis.call('ZSCORE', KEYS[3], ticket))
    if not deadline or deadline > now + 500000 then redis.call('ZADD', KEYS[3], num(now + 500000), ticket) end
  end
end
`;
