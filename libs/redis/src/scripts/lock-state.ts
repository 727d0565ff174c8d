/**
 * The first line of the lock scripts: who holds the lock. A foreign value of another type under our key is an error for GET and nothing for
 * MGET: no lock, and overwritten by the next grant.
 *
 * KEYS[1] lock, `<ttl>:<generation>:<token>:<ticket>` · KEYS[2] queue: ZSET of tickets by order of arrival · KEYS[3] ZSET of tickets by the
 * instant until which they count as alive, µs · only for acquire KEYS[4] fence: the last token · KEYS[5] number of the newest connection
 * ARGV[1] ticket, `<instance>.<number>` · own arguments from [2]
 *
 * A call from a script costs about 1 µs of everybody's time, a function 0.2, a reply that is a table more: EXISTS is asked before a queue is
 * read, and what a free lock does not need stands behind its branch. Each script that must work out of memory begins its writes with
 * a command that frees; after it Redis lets a script finish.
 */
export const holderOf = (value: string): string => `
local ttl, generation, token, holder
if type(${value}) == 'string' then ttl, generation, token, holder = string.match(${value}, '^(%d+):(%d+):(%d+):(.+)$') end
`;

/** Binds `now`: TIME, µs. */
export const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
`;

/**
 * Wakes the first in the queue, on the channel of its instance. Where nobody listens (killed, or reconnecting) that waiter has 500 ms to ask
 * by itself, and the next ones are woken to look again then: the lock is never free with everybody asleep.
 * ARGV[2] PUBLISH or SPUBLISH · [3] prefix of the instances' channels
 */
export const WAKE_NEXT = `
if redis.call('EXISTS', KEYS[2]) == 1 then
  ${NOW}
  for _, ticket in ipairs(redis.call('ZRANGE', KEYS[2], 0, 15)) do
    local instance, number = string.match(ticket, '^(.*)%.(%d+)$')
    if instance and redis.call(ARGV[2], ARGV[3] .. instance, number) > 0 then break end
    local deadline = tonumber(redis.call('ZSCORE', KEYS[3], ticket))
    if not deadline or deadline > now + 500000 then redis.call('ZADD', KEYS[3], now + 500000, ticket) end
  end
end
`;
