import { LOCK_STATE, WAKE_NEXT } from './lock-state.js';
import { script } from './script.js';

/** Gives a lock back, and wakes the next waiter. Returns 1, or 0 when it is not the ticket's. */
export const UNLOCK = script(
  'unlock',
  LOCK_STATE,
  WAKE_NEXT,
  `
if holder ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
wakeNext()
return 1
`,
);

/**
 * Prolongs a lock that is still the ticket's: never brings back one that was lost. A command of an older generation comes late (it was sent
 * before the last `extend`) and changes nothing.
 * ARGV[4] ttl in ms · [5] generation. Returns 1, or 0 when it is not the ticket's.
 */
export const PROLONG = script(
  'prolong',
  LOCK_STATE,
  `
if holder ~= ARGV[1] then return 0 end
if tonumber(ARGV[5]) < tonumber(generation) then return 1 end
if ARGV[4] == ttl and ARGV[5] == generation then return redis.call('PEXPIRE', KEYS[1], ttl) end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[4] .. ':' .. ARGV[5] .. ':' .. token .. ':' .. ARGV[1], 'PX', ARGV[4])
return 1
`,
);

/** Leaves the queue, and gives back what was granted meanwhile. Whoever is first then is woken: it may have been this one's turn. */
export const CANCEL = script(
  'cancel',
  LOCK_STATE,
  WAKE_NEXT,
  `
redis.call('ZREM', KEYS[3], ARGV[1])
local waited = redis.call('ZREM', KEYS[2], ARGV[1]) == 1
if holder == ARGV[1] then
  redis.call('DEL', KEYS[1])
  wakeNext()
elseif waited and not holder then
  wakeNext()
end
return 1
`,
);
