/**
 * What the checker must catch: each a small, plausible mistake in the shipped sources or scripts.
 *
 * `patches`: text that must stand exactly once in the file. `mode`, `only` and `seconds`: the round in which it must be found (all faults
 * when `only` is left out, none when it is empty), or `scenario`: the one in which it must fail. `quick`: also in `npm test`.
 * @type {readonly {
 *   name: string,
 *   why: string,
 *   mode?: 'coherent' | 'bounded' | 'hold',
 *   scenario?: string,
 *   only?: readonly string[],
 *   seconds?: number,
 *   quick?: boolean,
 *   patches: readonly { file: string, find: string, replace: string }[],
 * }[]}
 */
export const MUTANTS = [
  {
    name: 'no-lease-check',
    why: 'a fill is accepted although an invalidation voided its lease',
    mode: 'coherent',
    only: [],
    quick: true,
    patches: [
      {
        file: 'libs/redis/src/scripts/store.ts',
        find: "if ${holderOf('lease')} ~= ARGV[8] then return {'refused', i, 'lease'} end",
        replace: '',
      },
    ],
  },
  {
    name: 'late-stamp',
    why: 'an entry is stamped when it is stored instead of when its load began',
    mode: 'coherent',
    only: [],
    quick: true,
    patches: [
      {
        file: 'libs/redis/src/scripts/store.ts',
        find: "redis.call('SETRANGE', KEYS[3], 20, struct.pack('<d', now))",
        replace:
          "c = math.max(c + 1, now) redis.call('ZADD', st, c, 'c') redis.call('SETRANGE', KEYS[3], 20, struct.pack('<ddd', now, i, c))",
      },
    ],
  },
  {
    name: 'evict-keeps-lease',
    why: 'an invalidation deletes the entry and leaves the lease of its loader',
    mode: 'coherent',
    only: [],
    patches: [
      {
        file: 'libs/redis/src/scripts/invalidate.ts',
        find: "redis.call('DEL', unpack(KEYS, gently and 3 + n or 3, 2 + 2 * n))",
        replace: "if not gently then redis.call('DEL', unpack(KEYS, 3, 2 + n)) end",
      },
    ],
  },
  {
    name: 'no-run-id-check',
    why: 'attaching to a restarted server keeps the state it came back with',
    mode: 'coherent',
    only: ['kill -9, restart from an older RDB'],
    patches: [
      {
        file: 'libs/redis/src/scripts/attach.ts',
        find: "if not lost and (r ~= run or ARGV[9] == '1') then",
        replace: 'r = run\nif false then',
      },
    ],
  },
  {
    name: 'no-attach-gate',
    why: 'reads are served between "connected" and "attached"',
    scenario: 'nothing is read between connected and attached',
    patches: [
      {
        file: 'libs/redis/src/attach-gate.ts',
        find: 'return door.attached ? door.link : undefined;',
        replace: 'return door.link?.open === true ? door.link : undefined;',
      },
      { file: 'libs/redis/src/read-batch.ts', find: 'if (head.runId !== link.runId) {', replace: 'if (false) {' },
    ],
  },
  {
    name: 'no-gap-check',
    why: 'lost messages go unnoticed: neither sequence numbers nor heartbeats are compared',
    mode: 'bounded',
    only: ['CLIENT KILL TYPE pubsub', 'connection reset', 'connection refused'],
    seconds: 120,
    patches: [
      {
        file: 'libs/core/src/coherence/bus-listener.ts',
        find: 'const lost = head.sequence > position.sequence;',
        replace: 'const lost = false;\n    position.sequence = head.sequence;',
      },
      {
        file: 'libs/core/src/coherence/bus-listener.ts',
        find: 'if (event === undefined || !expected) {',
        replace: 'if (event === undefined || (!expected && position.incarnation !== incarnation)) {',
      },
    ],
  },
  {
    name: 'no-bound',
    why: 'the first tier is served however old the last proof is',
    mode: 'bounded',
    only: ['black hole, from Redis', 'black hole, both ways', 'connection refused'],
    patches: [
      {
        file: 'libs/core/src/coherence/coherence.ts',
        find: 'if (now - this.#provenAt[shard] > this.maxStaleness) {',
        replace: 'if (false) {',
      },
    ],
  },
  {
    name: 'coarse-bound',
    why: 'the bound is decided without a reading of the clock, as it was before SIGSTOP',
    scenario: 'a copy is not served by an instant from before a stop',
    patches: [
      {
        file: 'libs/core/src/clock/time-window.ts',
        find: 'return hrtime.bigint() < this.#endTicks[0];',
        replace: 'return this.end !== Infinity;',
      },
    ],
  },
  {
    name: 'join-after-send',
    why: 'a coherent caller shares a read or load that began before it',
    mode: 'coherent',
    only: [],
    patches: [
      {
        file: 'libs/core/src/reading/read-through.ts',
        find: "if (flight.phase === 'queued' || flight.phase === 'waiting') {",
        replace: 'if (flight.phase !== undefined) {',
      },
    ],
  },
  {
    name: 'fences-never-break',
    why: 'what an invalidation overtook is stored in the first tier all the same',
    mode: 'bounded',
    quick: true,
    patches: [{ file: 'libs/core/src/coherence/fence.ts', find: 'if (this.armed) {', replace: 'if (false) {' }],
  },
  {
    name: 'tags-judged-at-the-end',
    why: 'tags are judged against the end of the load instead of its start',
    mode: 'bounded',
    only: [],
    patches: [
      {
        file: 'libs/core/src/reading/l1-view.ts',
        find: 'const { key, shard, sequence } = fence;',
        replace: 'const { key, shard } = fence;\n    const { sequence } = coherence.ledger;',
      },
    ],
  },
  {
    name: 'applied-once',
    why: 'the local effect of an invalidation is not applied again after the acknowledgement',
    scenario: 'an invalidation is applied again when it is acknowledged',
    patches: [
      {
        file: 'libs/core/src/writes.ts',
        find: '    } finally {\n      coherence.apply(event);\n    }\n    observer.invalidated?.(event);',
        replace: '    }\n    observer.invalidated?.(event);',
      },
    ],
  },
  {
    name: 'prune-too-far',
    why: 'tag stamps that still guard entries are forgotten',
    mode: 'coherent',
    only: [],
    patches: [
      {
        file: 'libs/redis/src/scripts/state.ts',
        find: 'drop(now - (m + x) * 1000, most)',
        replace: 'drop(now, most)',
      },
      { file: 'libs/redis/src/scripts/state.ts', find: '      hard = math.max(hard, stamp)\n', replace: '' },
    ],
  },
  {
    name: 'clear-ignored',
    why: 'entries from before a clear are still served',
    mode: 'coherent',
    only: [],
    patches: [
      { file: 'libs/redis/src/read-verdict.ts', find: ' || !(stamp > head.hard)', replace: '' },
      { file: 'libs/redis/src/scripts/store.ts', find: 'elseif stamp <= hard then', replace: 'elseif false then' },
    ],
  },
  {
    name: 'soft-flag-ignored',
    why: 'a softly invalidated key is taken for fresh',
    mode: 'coherent',
    only: [],
    patches: [
      {
        file: 'libs/redis/src/read-verdict.ts',
        find: 'let stale = isSoft(bytes) || stamp <= head.soft;',
        replace: 'let stale = stamp <= head.soft;',
      },
    ],
  },
  {
    name: 'soft-tags-ignored',
    why: 'a softly invalidated tag leaves its entries fresh',
    mode: 'coherent',
    only: [],
    patches: [{ file: 'libs/redis/src/read-verdict.ts', find: 'stale ||= stamp <= newest.soft;', replace: '' }],
  },
  {
    name: 'hold-ignored',
    why: 'a load is stored while a writer holds the key',
    mode: 'hold',
    only: [],
    patches: [
      {
        file: 'libs/redis/src/scripts/lease.ts',
        find: "if held > now then return {'held', i} end",
        replace: '',
      },
    ],
  },
  {
    name: 'hold-lifted-by-others',
    why: "the first of two writers that is done lifts the other's hold",
    mode: 'hold',
    only: [],
    patches: [
      {
        file: 'libs/redis/src/scripts/invalidate.ts',
        find: 'if #others > 0 then',
        replace: 'if false then',
      },
    ],
  },
  {
    name: 'proof-at-reply',
    why: 'a heartbeat proves the instant of its answer instead of the one it was sent at',
    scenario: 'a late heartbeat proves only what was true when it was sent',
    patches: [
      {
        file: 'libs/core/src/coherence/bus-listener.ts',
        find: 'this.#judge(shard, head, before, sentAt);',
        replace: 'this.#judge(shard, head, before, this.#clock.now());',
      },
    ],
  },
  {
    name: 'newest-fence-only',
    why: 'of several flights of a key only the newest is fenced',
    scenario: 'every flight of a key is fenced, not the newest alone',
    patches: [
      {
        file: 'libs/core/src/coherence/fence.ts',
        find: '      fence.older = newest;',
        replace: '',
      },
    ],
  },
  {
    name: 'lease-clock-not-kept',
    // Twice: a clock that was not kept looks like an older state, and that is noticed too.
    why: 'the logical clock is not written back when a lease is given, and its going back is not noticed',
    scenario: 'a step back of the server clock issues no stamp twice',
    patches: [
      { file: 'libs/redis/src/scripts/lease.ts', find: "redis.call('ZADD', st, c, 'c')\n", replace: '' },
      {
        file: 'libs/redis/src/attach-gate.ts',
        find: 'if (wentBack(door, incarnation, found)) {',
        replace: 'if (false) {',
      },
    ],
  },
];
