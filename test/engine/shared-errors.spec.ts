import { afterEach, describe, expect, it } from '@jest/globals';
import type { Hydrator, SharedTier } from '@strata-cache/core';
import { FakeClock, gate, settle, sharedMemory } from '@strata-cache/core/testing';
import { closeAll, versioned } from './engine-kit.js';
import { answerOf, fleet, Member, messageOnly, waitingForFailure, type Fleet } from './fleet.js';
import { steppedTier } from './stepped-tier.js';

afterEach(closeAll);

const loadsOf = (members: readonly Member[]): number[] => members.map(({ source }) => source.loads);

describe('sharedErrors', () => {
  it('one call answers all who wait, in every process', async () => {
    const { members } = await fleet(4, { sharedErrors: messageOnly });
    const { held, answers } = await waitingForFailure(members);
    const more = members.flatMap((member) => [member.read(), member.read()]);
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'told: down', 'told: down', 'told: down']);
    expect(new Set(await Promise.all(more))).toEqual(new Set(['down', 'told: down']));
    expect(loadsOf(members)).toEqual([1, 0, 0, 0]);
    const counted = members.map(({ cache }) => cache.stats());
    expect(counted.map(({ loads, loadErrors, waited }) => [loads, loadErrors, waited])).toEqual([
      [1, 1, 0],
      [0, 0, 1],
      [0, 0, 1],
      [0, 0, 1],
    ]);
  });

  it('gives the callers of one process one error, and every process its own', async () => {
    const { members } = await fleet(3, { sharedErrors: messageOnly });
    const [leader, ...others] = members;
    const mine = new Error('down');
    const held = leader.source.hold();
    const errorOf = async (member: Member): Promise<unknown> =>
      member.cache
        .getOrSet('a', async (context, id) => {
          await member.source.load(context, id);
          throw mine;
        })
        .then(
          () => undefined,
          (error: unknown) => error,
        );
    const first = errorOf(leader);
    await held.arrived();
    const rest = others.flatMap((member) => [errorOf(member), errorOf(member)]);
    await settle();
    held.open();
    expect(await first).toBe(mine);
    const [a, alsoA, b] = await Promise.all(rest);
    expect(a).toBeInstanceOf(Error);
    expect(alsoA).toBe(a);
    expect(b).not.toBe(a);
  });

  it('a newcomer calls the source: only who waited for a load is told how it failed', async () => {
    const { members } = await fleet(3, { sharedErrors: messageOnly });
    const { held, answers } = await waitingForFailure(members.slice(0, 2));
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'told: down']);
    expect(await members[2].read()).toBe('v0');
    expect(await members[1].read()).toBe('v0');
    expect(loadsOf(members)).toEqual([1, 0, 1]);
  });

  /** 1 leader loads, A waits; 2 the leader fails; 3 a newcomer has taken the lease before A asks: A is told all the same. */
  it('reaches who asks only after somebody has begun to load anew', async () => {
    const { members } = await fleet(3, { sharedErrors: messageOnly });
    const [, a, newcomer] = members;
    const { held, answers } = await waitingForFailure([members[0], a]);
    a.tier.hold('lease');
    held.open();
    await answers[0];
    await settle();
    const again = newcomer.source.hold();
    const last = newcomer.read();
    await again.arrived();
    a.tier.release('lease');
    expect(await answers[1]).toBe('told: down');
    again.open();
    expect(await last).toBe('v0');
    expect(loadsOf(members)).toEqual([1, 0, 1]);
  });

  /**
   * 1 leader loads, A waits for it; 2 the leader fails; 3 a newcomer loads and fails as well, before A has asked: that is not the load A
   * waited for, and not the one the third one waited for that A's would be. A loads by itself.
   */
  it('of another load than the one that was waited for is nobody`s answer', async () => {
    const { members } = await fleet(4, { sharedErrors: messageOnly });
    const [leader, a, newcomer, third] = members;
    const { held, answers } = await waitingForFailure([leader, a]);
    a.tier.hold('lease');
    held.open();
    await answers[0];
    await settle();
    newcomer.source.error = 'down again';
    const again = newcomer.source.hold();
    const late = newcomer.read();
    await again.arrived();
    const waiting = third.read();
    await settle();
    again.open();
    expect(await late).toBe('down again');
    expect(await waiting).toBe('told: down again');
    a.tier.release('lease');
    expect(await answers[1]).toBe('v0');
    expect(loadsOf(members)).toEqual([1, 1, 1, 0]);
  });

  /** 1 leader fails, its wake-up is lost; 2 A's poll finds the word. */
  it('is found by the next look when the wake-up was lost', async () => {
    const { members, clock } = await fleet(2, { sharedErrors: messageOnly });
    const [leader, a] = members;
    leader.source.error = 'down';
    const held = leader.source.hold();
    const first = leader.read();
    await held.arrived();
    a.tier.hold('waitForWake');
    const second = a.read();
    await settle();
    held.open();
    expect(await first).toBe('down');
    await settle();
    a.tier.release('waitForWake');
    await clock.advance(400);
    expect(await second).toBe('told: down');
    expect(loadsOf(members)).toEqual([1, 0]);
  });

  const invalidations: Record<string, (fleet: Fleet) => Promise<unknown>> = {
    key: ({ members }) => members[1].cache.delete('a'),
    'key, gently': ({ members }) => members[1].cache.expire('a'),
    tag: ({ members }) => members[1].strata.invalidateTags(['whatever']),
    cache: ({ members }) => members[1].cache.clear(),
    namespace: ({ members }) => members[1].strata.clear(),
  };

  /** 1 leader loads, A waits; 2 the key is invalidated and acknowledged; 3 the leader fails: its load preceded 2. A loads. */
  it.each(Object.keys(invalidations))('of a load that an invalidation of the %s overtook is not told', async (what) => {
    const staged = await fleet(2, { sharedErrors: messageOnly });
    const [leader, a] = staged.members;
    const { held, answers } = await waitingForFailure(staged.members);
    await invalidations[what](staged);
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'v0']);
    expect(loadsOf([leader, a])).toEqual([1, 1]);
  });

  /**
   * 1 leader loads, A waits; 2 the leader fails, A is woken, its question is under way; 3 the key is invalidated, acknowledged;
   * 4 a caller comes and joins A's flight; 5 A asks: the error of 1 must not answer the caller of 4.
   */
  it.each(Object.keys(invalidations))(
    'is not told to who came after an invalidation of the %s that came after it',
    async (what) => {
      const staged = await fleet(2, { sharedErrors: messageOnly });
      const [, a] = staged.members;
      const { held, answers } = await waitingForFailure(staged.members);
      a.tier.hold('read');
      held.open();
      await answers[0];
      await settle();
      await invalidations[what](staged);
      const joining = a.read();
      a.tier.release('read');
      expect(await joining).toBe('v0');
      await answers[1];
    },
  );

  /** 1 A asks, and the error is on its way back; 2 the key is invalidated, acknowledged; 3 a caller comes: the error is not for him. */
  it('that is on its way when the key is invalidated is not given to who comes after that', async () => {
    const clock = new FakeClock();
    const store = sharedMemory();
    const reply = gate();
    let asked = 0;
    const step = async (label: string): Promise<void> => {
      if (label === 'a lease <' && ++asked === 2) await reply.pass();
    };
    const definition = versioned({ sharedErrors: messageOnly });
    const [leader, a] = [
      new Member(store, clock, definition),
      new Member(steppedTier(store, 'a', step), clock, definition),
    ];
    await settle();
    const { held, answers } = await waitingForFailure([leader, a]);
    held.open();
    await answers[0];
    await reply.arrived();
    await leader.cache.delete('a');
    const coming = a.read();
    reply.open();
    expect(await answers[1]).toBe('told: down');
    expect(await coming).toBe('v0');
  });

  it('a stale value answers instead, as it does where the load failed', async () => {
    const { members, clock } = await fleet(2, {
      sharedErrors: messageOnly,
      ttl: '10s',
      grace: '1m',
      softTimeout: '30s',
    });
    await members[0].read();
    await settle();
    await members[1].read();
    await clock.advance(11_000);
    const { held, answers } = await waitingForFailure(members);
    held.open();
    expect(await Promise.all(answers)).toEqual(['v0', 'v0']);
    expect(loadsOf(members)).toEqual([2, 0]);
    // And the next refresh is not tried at once, by neither.
    expect(await members[1].read()).toBe('v0');
    expect(loadsOf(members)).toEqual([2, 0]);
  });

  it('an error that means "not found" is remembered by who is told, too', async () => {
    const { members, clock } = await fleet(2, {
      sharedErrors: messageOnly,
      negativeTtl: '5s',
      negativeErrors: (error) => (error as Error).message.endsWith('down'),
    });
    const { held, answers } = await waitingForFailure(members);
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'told: down']);
    expect(await members[1].read()).toBe('told: down');
    expect(loadsOf(members)).toEqual([1, 0]);
    await clock.advance(5_001);
    expect(await members[1].read()).toBe('v0');
  });

  it('reaches the keys of a batch', async () => {
    const { members } = await fleet(2, { sharedErrors: messageOnly });
    const { held, answers } = await waitingForFailure(members.slice(0, 1));
    const batch = answerOf(
      members[1].cache
        .getOrSetMany(['a', 'b'], (_context, keys) => keys.map(([id]) => ({ id, v: 3 })))
        .then((values) => values[0] ?? null),
    );
    await settle();
    held.open();
    await answers[0];
    expect(await batch).toBe('told: down');
  });

  const broken: Record<string, Partial<Hydrator<unknown>>> = {
    'dehydrate throws': {
      dehydrate: () => {
        throw new Error('broken');
      },
    },
    'dehydrate says no': { dehydrate: () => undefined },
    'dehydrate gives no JSON': { dehydrate: () => 1n },
    'dehydrate gives too much': { dehydrate: () => 'x'.repeat(5_000) },
    'hydrate throws': {
      hydrate: () => {
        throw new Error('broken');
      },
    },
    'hydrate does not know it': { hydrate: () => undefined },
  };
  it.each(Object.entries(broken))('%s: each loads by itself, at once', async (_what, part) => {
    const { members } = await fleet(4, { sharedErrors: { ...messageOnly, ...part } });
    const { held, answers } = await waitingForFailure(members);
    const others = members.slice(1);
    const again = others.map(({ source }) => source.hold());
    others.forEach(({ source }) => (source.error = 'still down'));
    held.open();
    expect(await answers[0]).toBe('down');
    await settle();
    expect(others.map(({ source }) => source.running)).toEqual([1, 1, 1]);
    again.forEach((one) => one.open());
    expect(await Promise.all(answers)).toEqual(['down', 'still down', 'still down', 'still down']);
  });

  it('is of no use to an instance that does not share errors, and no harm', async () => {
    const { members } = await fleet(2, (index) => (index === 0 ? { sharedErrors: messageOnly } : {}));
    const { held, answers } = await waitingForFailure(members);
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'v0']);
  });

  it.each([
    ['no JSON', '{"message'],
    ['nothing at all', ' '],
    ['more than is ever sent', JSON.stringify('x'.repeat(5_000))],
    ['a shape of its own', '{"__proto__":{"polluted":true},"length":-1}'],
  ])('that somebody else has written is not trusted: %s', async (_what, word) => {
    const { members, store, clock } = await fleet(1, {
      sharedErrors: {
        ...messageOnly,
        hydrate: (plain: unknown) => (typeof plain === 'string' ? new Error(plain) : undefined),
      },
    });
    const intruder: SharedTier = store.create({
      namespace: 'test',
      clock,
      observer: {},
      maxStaleness: 2_000,
      onSuspect: () => undefined,
    }).tier;
    const key = `${versioned().name}:v1:a`;
    const reply = await intruder.lease(key, { token: 'intruder', seen: '', ttl: 2_000 });
    if (reply.status !== 'granted') throw new Error(reply.status);
    const reading = members[0].read();
    await settle();
    expect(members[0].source.loads).toBe(0);
    await intruder.release(key, reply.lease, word);
    expect(await reading).toBe('v0');
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
