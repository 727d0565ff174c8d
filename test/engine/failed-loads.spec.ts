import { afterEach, describe, expect, it } from '@jest/globals';
import { settle } from '@strata-cache/core/testing';
import { closeAll } from './engine-kit.js';
import { answerOf, fleet, waitingForFailure, type Member } from './fleet.js';

afterEach(closeAll);

const loadsOf = (members: readonly Member[]): number[] => members.map(({ source }) => source.loads);

describe('a load that fails', () => {
  it('is tried again by all who waited for it at once: the last one waits for two loads, not for all', async () => {
    const { members } = await fleet(5);
    const { held, answers } = await waitingForFailure(members);
    const second = members.slice(1).map(({ source }) => source.hold());
    members.forEach(({ source }, index) => (source.error = `down for ${index}`));
    held.open();
    expect(await answers[0]).toBe('down');
    await settle();
    expect(members.map(({ source }) => source.running)).toEqual([0, 1, 1, 1, 1]);
    second.forEach((one) => one.open());
    // Each caller gets the very error of a loader of its own process.
    expect(await Promise.all(answers)).toEqual(['down', 'down for 1', 'down for 2', 'down for 3', 'down for 4']);
    expect(loadsOf(members)).toEqual([1, 1, 1, 1, 1]);
  });

  it('is shared by the callers of a process, before and after', async () => {
    const { members } = await fleet(3);
    const { held, answers } = await waitingForFailure(members);
    const more = members.slice(1).flatMap((member) => [member.read(), member.read()]);
    members.slice(1).forEach(({ source }) => (source.error = 'down'));
    held.open();
    expect(new Set(await Promise.all([...answers, ...more]))).toEqual(new Set(['down']));
    expect(loadsOf(members)).toEqual([1, 1, 1]);
  });

  it('is made up for by one of them: what it loads is stored for all', async () => {
    const { members, store } = await fleet(4);
    const { held, answers } = await waitingForFailure(members.slice(0, 3));
    held.open();
    expect(await Promise.all(answers)).toEqual(['down', 'v0', 'v0']);
    await settle();
    expect(store.size).toBe(1);
    expect(await members[3].read()).toBe('v0');
    expect(loadsOf(members)).toEqual([1, 1, 1, 0]);
    expect(members.map(({ cache }) => cache.stats().waited)).toEqual([0, 1, 1, 0]);
  });

  /**
   * 1 leader loads, A waits; 2 it fails, A wakes and loads; 3 a newcomer comes: it has waited for nobody yet, so it waits for A.
   */
  it('does not keep a newcomer from waiting for the load after it', async () => {
    const { members } = await fleet(3);
    const [, a, newcomer] = members;
    const { held, answers } = await waitingForFailure([members[0], a]);
    const again = a.source.hold();
    held.open();
    await again.arrived();
    const last = newcomer.read();
    await settle();
    expect(newcomer.source.loads).toBe(0);
    again.open();
    expect([...(await Promise.all(answers)), await last]).toEqual(['down', 'v0', 'v0']);
    expect(loadsOf(members)).toEqual([1, 1, 0]);
  });

  /**
   * 1 leader loads, A and B wait; 2 the key is invalidated, which voids the leader's lease: A takes it; 3 the leader fails: that is not
   * the load B waits for by now.
   */
  it('says nothing to those whom an invalidation has sent to another load', async () => {
    const { members } = await fleet(3);
    const [leader, a, b] = members;
    const { held, answers } = await waitingForFailure(members);
    const again = [a.source.hold(), b.source.hold()];
    await leader.cache.delete('a');
    await Promise.race(again.map((one) => one.arrived()));
    await settle();
    held.open();
    expect(await answers[0]).toBe('down');
    await settle();
    expect(a.source.loads + b.source.loads).toBe(1);
    again.forEach((one) => one.open());
    expect((await Promise.all(answers)).slice(1)).toEqual(['v0', 'v0']);
    expect(a.source.loads + b.source.loads).toBe(1);
  });

  /** 1 leader loads, A and B wait; 2 the leader is gone without a word; 3 its lease runs out: one of the two loads, the other waits. */
  it('that has ended without a word (a crash) is taken over by one, when its lease has run out', async () => {
    const { members, clock } = await fleet(3);
    const [leader, a, b] = members;
    const { held, answers } = await waitingForFailure(members);
    leader.tier.down();
    held.open();
    expect(await answers[0]).toBe('down');
    const again = [a.source.hold(), b.source.hold()];
    await clock.advance(1_500);
    expect(loadsOf([a, b])).toEqual([0, 0]);
    await clock.advance(1_000);
    expect(a.source.loads + b.source.loads).toBe(1);
    again.forEach((one) => one.open());
    await clock.advance(500);
    expect((await Promise.all(answers)).slice(1)).toEqual(['v0', 'v0']);
    expect(a.source.loads + b.source.loads).toBe(1);
  });

  /** 1 leader loads, A and B wait; 2 its last caller leaves, the load is aborted: nothing has failed, one takes it over. */
  it('was not one that is given up: that is taken over by one who waits', async () => {
    const { members } = await fleet(3);
    const [leader, a, b] = members;
    const held = leader.source.hold();
    const caller = new AbortController();
    const first = answerOf(leader.cache.getOrSet('a', leader.source.load, { signal: caller.signal }));
    await held.arrived();
    const rest = Promise.all([a.read(), b.read()]);
    await settle();
    const again = [a.source.hold(), b.source.hold()];
    caller.abort(new Error('left'));
    expect(await first).toBe('left');
    await settle();
    expect(a.source.loads + b.source.loads).toBe(1);
    again.forEach((one) => one.open());
    expect(await rest).toEqual(['v0', 'v0']);
    expect(a.source.loads + b.source.loads).toBe(1);
    held.open();
  });

  it.each([
    ['skip', (context: { skip(): void }) => (context.skip(), { id: 'a', v: 0 })],
    ['undefined', () => undefined as never],
    ['a value without a stored form', () => ({ id: 'a', v: 0, tags: (() => []) as never })],
  ])('is like one whose value is not stored (%s): nobody waits for a second one', async (_what, load) => {
    const { members } = await fleet(4);
    const [leader, ...others] = members;
    const held = leader.source.hold();
    const running = (member: Member): Promise<unknown> =>
      member.cache.getOrSet('a', async (context) => {
        await member.source.load(context, 'a');
        return load(context);
      });
    const first = running(leader);
    await held.arrived();
    const rest = others.map(running);
    await settle();
    const again = others.map(({ source }) => source.hold());
    held.open();
    await first;
    await settle();
    expect(others.map(({ source }) => source.running)).toEqual([1, 1, 1]);
    again.forEach((one) => one.open());
    await Promise.all(rest);
  });

  it('answers those who wait with the stale value they have, as ever', async () => {
    const { members, clock } = await fleet(3, { ttl: '10s', grace: '1m', softTimeout: '30s' });
    await members[0].read();
    await settle();
    await Promise.all(members.map(async (member) => member.read()));
    await clock.advance(11_000);
    const { held, answers } = await waitingForFailure(members);
    members.slice(1).forEach(({ source }) => (source.error = 'down'));
    held.open();
    expect(await Promise.all(answers)).toEqual(['v0', 'v0', 'v0']);
    expect(loadsOf(members)).toEqual([2, 1, 1]);
  });
});
