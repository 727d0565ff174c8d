import { script } from './script.js';
import { BOOTSTRAP, NOW, WHOLE_STATE, WRITE_HEAD } from './state.js';

/**
 * Run on every new connection before it may read or write: a server with another run id restarted or was promoted, and may have come
 * back with an older state in which acknowledged invalidations are missing.
 *
 * ARGV[8] 'hard' | 'soft' | 'keep' · [9] '1' = a rollback was noticed, treat it as another server
 * Returns {'attached', i, c as found, c, now} or {'shards', n}.
 */
export const ATTACH = script(
  'attach',
  WHOLE_STATE,
  NOW,
  `
-- Instances that cut the namespace differently would not see each other's invalidations.
local n = redis.call('ZSCORE', st, 'n')
if n and tonumber(n) ~= tonumber(ARGV[4]) then return {'shards', n} end
-- The first write is a DEL, so that attaching works out of memory; the head is written again below.
redis.call('DEL', hd)
if not lost and (r ~= run or ARGV[9] == '1') then
  if ARGV[8] == 'hard' then
    ${BOOTSTRAP}
  else
    r = run
    if ARGV[8] == 'soft' then
      -- What is here may be outdated: usable as stale, never as fresh.
      c = math.max(c + 1, now)
      soft = c
    end
  end
end
-- x: the longest maxStaleness of any instance. Stamps are kept for m + x, and no fill outlives its start by more (PRUNE, FILL).
redis.call('ZADD', st, c, 'c', r, 'r', soft, '~', ARGV[4], 'n')
redis.call('ZADD', st, 'GT', ARGV[3], 'x')
${WRITE_HEAD}
return {'attached', i, c0, c, now}
`,
);
