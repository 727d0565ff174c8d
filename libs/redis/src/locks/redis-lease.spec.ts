import { describe, expect, it } from '@jest/globals';
import { LeaseLostError, type LeaseEnd } from '@strata-cache/core';
import { FakeClock } from '@strata-cache/core/testing';
import { leftOf, markNow } from './lease-time.js';
import { RedisLease, type LeaseServer } from './redis-lease.js';

type Answer = { readonly resolve: (owned: boolean) => void; readonly reject: (error: Error) => void };

/** A server whose answers are given by hand, in any order. */
class ScriptedServer implements LeaseServer {
  readonly asked: { readonly ttl: number; readonly generation: number }[] = [];
  readonly ends: { readonly how: LeaseEnd; readonly forgotten: boolean }[] = [];
  readonly #answers: Answer[] = [];
  unlocks = 0;
  unlocked: Promise<boolean> = Promise.resolve(true);

  prolong(ttl: number, generation: number): Promise<boolean> {
    this.asked.push({ ttl, generation });
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  insistProlong(ttl: number, generation: number): Promise<boolean> {
    return this.prolong(ttl, generation);
  }

  unlock(): Promise<boolean> {
    this.unlocks++;
    return this.unlocked;
  }

  ended(_lease: RedisLease, how: LeaseEnd, forgotten: boolean): void {
    this.ends.push({ how, forgotten });
  }

  /** The answer to the n-th question. */
  answer(index: number): Answer {
    return this.#answers[index];
  }
}

function stage(ttl = 1_000, renew = true): { clock: FakeClock; server: ScriptedServer; lease: RedisLease } {
  const clock = new FakeClock();
  const server = new ScriptedServer();
  const lease = new RedisLease({ key: 'k', token: 7n, ttl, renew, sent: markNow(clock) }, clock, server);
  return { clock, server, lease };
}

describe('how long a grant is believed', () => {
  it('is 2 % and 2 ms less than its ttl, from before it was asked for', async () => {
    const clock = new FakeClock();
    const sent = markNow(clock);
    await clock.advance(100);
    expect(leftOf(clock, sent, 1_000)).toBe(878);
    await clock.advance(878);
    expect(leftOf(clock, sent, 1_000)).toBe(0);
  });

  it('goes by the clock that has moved further: a machine that slept, a wall clock that was set back', () => {
    let [monotonic, wall] = [0, 0];
    const clock = { now: () => monotonic, wall: () => wall, setTimeout: () => ({}), clearTimeout: () => undefined };
    const sent = markNow(clock);
    wall = 5_000;
    expect(leftOf(clock, sent, 1_000)).toBeLessThan(0);
    [monotonic, wall] = [500, -3_600_000];
    expect(leftOf(clock, sent, 1_000)).toBe(478);
  });
});

describe('a lease on Redis', () => {
  it('ends by itself although a renewal is still unanswered', async () => {
    const { clock, server, lease } = stage();
    await clock.advance(400);
    expect(server.asked).toHaveLength(1);
    await clock.advance(577);
    expect(lease.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(server.ends).toEqual([{ how: 'lost', forgotten: true }]);
    // Never brought back by an answer that comes too late.
    server.answer(0).resolve(true);
    await clock.advance(0);
    expect(() => lease.assertHeld()).toThrow(LeaseLostError);
    expect(clock.pending).toBe(0);
  });

  it('assertHeld computes: after a stall it throws before any timer has run', () => {
    const { clock, lease } = stage();
    clock.jump(979);
    expect(lease.signal.aborted).toBe(false);
    expect(() => lease.assertHeld()).toThrow(/"k"/);
    expect(lease.signal.aborted).toBe(true);
  });

  it('counts a renewal from before it was sent', async () => {
    const { clock, server, lease } = stage();
    await clock.advance(334);
    await clock.advance(300);
    server.answer(0).resolve(true);
    // Sent at 333.3: believed until 333.3 + 978, not from the answer on.
    await clock.advance(677);
    lease.assertHeld();
    clock.jump(1);
    expect(() => lease.assertHeld()).toThrow(LeaseLostError);
  });

  it('renews again 50 ms after a failure, until its end', async () => {
    const { clock, server, lease } = stage();
    for (let attempt = 0; attempt < 20 && !lease.signal.aborted; attempt++) {
      await clock.advance(attempt === 0 ? 334 : 50);
      server.answer(attempt)?.reject(new Error('no connection'));
      await clock.advance(0);
    }
    expect(server.asked.length).toBeGreaterThan(10);
    expect(lease.signal.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('is lost as soon as the server says that it is not ours', async () => {
    const { clock, server, lease } = stage();
    await clock.advance(334);
    server.answer(0).resolve(false);
    await clock.advance(0);
    expect(lease.signal.reason).toBeInstanceOf(LeaseLostError);
    expect(server.ends).toEqual([{ how: 'lost', forgotten: false }]);
    await expect(lease.release()).rejects.toBeInstanceOf(LeaseLostError);
    expect(server.unlocks).toBe(0);
  });

  it('extend: a shorter ttl counts from the moment it is asked for, a longer one from its answer on', async () => {
    const { clock, server, lease } = stage(1_000, false);
    const shorter = lease.extend('100ms');
    expect(server.asked).toEqual([{ ttl: 100, generation: 1 }]);
    await clock.advance(97);
    expect(lease.isHeld).toBe(false);
    server.answer(0).resolve(true);
    await expect(shorter).rejects.toBeInstanceOf(LeaseLostError);

    const other = stage(1_000, false);
    const longer = other.lease.extend('10s');
    await other.clock.advance(500);
    other.server.answer(0).resolve(true);
    await longer;
    await other.clock.advance(9_000);
    other.lease.assertHeld();
  });

  /**
   * 1 the watchdog renews with the old ttl, 2 extend asks for a longer one, 3 extend is answered, 4 the renewal is: it was sent before and says
   * nothing about the new ttl.
   */
  it('the answer to a renewal that extend has overtaken changes nothing', async () => {
    const { clock, server, lease } = stage();
    await clock.advance(334);
    const extended = lease.extend('10s');
    expect(server.asked.map(({ generation }) => generation)).toEqual([0, 1]);
    server.answer(1).resolve(true);
    await extended;
    server.answer(0).resolve(true);
    await clock.advance(2_000);
    lease.assertHeld();
  });

  /** 1 a renewal is under way, 2 extend is sent, 3 the renewal is answered, 4 extend fails: with the old ttl, it still is to be renewed. */
  it('goes on renewing after an extend that failed', async () => {
    const { clock, server, lease } = stage();
    await clock.advance(334);
    const extended = lease.extend('10s');
    server.answer(0).resolve(true);
    await clock.advance(0);
    server.answer(1).reject(new Error('no connection'));
    await expect(extended).rejects.toThrow('no connection');
    await clock.advance(100);
    expect(server.asked[2]).toEqual({ ttl: 1_000, generation: 1 });
    server.answer(2).resolve(true);
    await clock.advance(800);
    lease.assertHeld();
  });

  it('two releases are one, and both see how it ended', async () => {
    const { clock, server, lease } = stage();
    server.unlocked = Promise.resolve(false);
    const outcomes = await Promise.allSettled([lease.release(), lease.release()]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(server.unlocks).toBe(1);
    expect(server.ends).toEqual([{ how: 'lost', forgotten: false }]);
    expect(clock.pending).toBe(0);
  });

  it('revoke tells the holder first', async () => {
    const { server, lease } = stage();
    let toldAt = -1;
    lease.signal.addEventListener('abort', () => (toldAt = server.unlocks));
    await lease.revoke();
    expect([toldAt, server.unlocks]).toEqual([0, 1]);
    expect(() => lease.assertHeld()).toThrow(/closed/);
  });
});
