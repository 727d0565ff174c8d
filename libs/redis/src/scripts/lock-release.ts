import { holderOf, WAKE_NEXT } from './lock-state.js';
import { script } from './script.js';

const LOCK_STATE = `
local value = redis.pcall('GET', KEYS[1])
${holderOf('value')}
`;

/** Gives a lock back, and wakes the next waiter. Returns 1, or 0 when it is not the ticket's. */
export const UNLOCK = script(
  'unlock',
  `
local value = redis.pcall('GET', KEYS[1])
-- A ticket has no colon: what ends with one and the ticket is its grant.
if type(value) ~= 'string' or string.sub(value, -1 - #ARGV[1]) ~= ':' .. ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
${WAKE_NEXT}
return 1
`,
);

/**
 * Prolongs a lock that is still the ticket's: never brings back one that was lost. A command of an older generation comes late (it was sent
 * before the last `extend`) and changes nothing.
 * ARGV[2] ttl in ms · [3] generation. Returns 1, or 0 when it is not the ticket's.
 */
export const PROLONG = script(
  'prolong',
  LOCK_STATE,
  `
if holder ~= ARGV[1] then return 0 end
if tonumber(ARGV[3]) < tonumber(generation) then return 1 end
if ARGV[2] == ttl and ARGV[3] == generation then return redis.call('PEXPIRE', KEYS[1], ttl) end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[2] .. ':' .. ARGV[3] .. ':' .. token .. ':' .. ARGV[1], 'PX', ARGV[2])
return 1
`,
);

/** Leaves the queue, and gives back what was granted meanwhile. Whoever is first then is woken: it may have been this one's turn. */
export const CANCEL = script(
  'cancel',
  LOCK_STATE,
  `
redis.call('ZREM', KEYS[3], ARGV[1])
local waited = redis.call('ZREM', KEYS[2], ARGV[1]) == 1
if holder == ARGV[1] then redis.call('DEL', KEYS[1]) end
if holder == ARGV[1] or (waited and not holder) then
${WAKE_NEXT}
end
return 1
`,
);
