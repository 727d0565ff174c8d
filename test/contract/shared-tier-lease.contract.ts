import { describe, expect, it } from '@jest/globals';
import { WRITER_MARK } from '@strata-cache/core';
import { record, type Context } from './shared-tier.harness.js';

export function leaseContract(context: Context): void {
  describe('leases', () => {
    it('grants one loader at a time, with stamps that rise', async () => {
      const { a, b } = context();
      const first = await a.granted('k');
      const busy = await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 });
      if (busy.status !== 'busy') throw new Error(busy.status);
      expect(busy.retryIn).toBeGreaterThan(0);
      expect(busy.retryIn).toBeLessThanOrEqual(5_000);
      await a.tier.release('k', first);
      const second = await b.granted('k');
      expect(second.stamp).toBeGreaterThan(first.stamp);
      expect(second.incarnation).toBe(first.incarnation);
    });

    it('tells whose lease it is: a load, or a put, whose method nobody should wait for', async () => {
      const { a, b } = context();
      const { token: loading } = await a.granted('loading');
      const { token: writing } = await a.granted('writing', { token: `${WRITER_MARK}one`, force: true });
      const request = { seen: '', ttl: 5_000 };
      expect(await b.tier.lease('loading', { token: b.token(), ...request })).toMatchObject({ holder: loading });
      expect(await b.tier.lease('writing', { token: b.token(), ...request })).toMatchObject({ holder: writing });
    });

    it('grants a re-sent request again, with a newer stamp', async () => {
      const { a } = context();
      const token = a.token();
      const first = await a.granted('k', { token });
      const again = await a.granted('k', { token });
      expect(again.stamp).toBeGreaterThan(first.stamp);
      expect(await a.tier.fill('k', again, record('v'), false)).toBe(true);
    });

    it('answers "changed" when the entry is not the one that was seen', async () => {
      const { a, b } = context();
      const stored = await a.load('k', 'v');
      expect(await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).toEqual({ status: 'changed' });
      const refresh = await b.tier.lease('k', { token: b.token(), seen: stored.id, ttl: 5_000 });
      expect(refresh.status).toBe('granted');
      expect(await a.tier.lease('new', { token: a.token(), seen: stored.id, ttl: 5_000 })).toEqual({
        status: 'changed',
      });
    });

    it('gives a forced lease to a put, which voids the one that ran', async () => {
      const { a, b } = context();
      const loading = await a.granted('k');
      const forced = await b.tier.lease('k', { token: b.token(), seen: 'whatever', ttl: 5_000, force: true });
      if (forced.status !== 'granted') throw new Error(forced.status);
      expect(await a.tier.fill('k', loading, record('old'), false)).toBe(false);
      expect(await b.tier.fill('k', forced.lease, record('new'), true)).toBe(true);
      expect(await a.see('k')).toBe('new');
    });

    it('lets a lease run out, and be renewed only by its holder while it runs', async () => {
      const { a, b, environment } = context();
      const renewed = await a.granted('renewed', { ttl: 300 });
      const forgotten = await a.granted('forgotten', { ttl: 300 });
      expect(await b.tier.renew('renewed', 'not-mine', 60_000)).toBe(false);
      expect(await a.tier.renew('renewed', renewed.token, 60_000)).toBe(true);
      await environment.advance(320);
      expect((await b.tier.lease('renewed', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('busy');
      expect((await b.tier.lease('forgotten', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('granted');
      expect(await a.tier.renew('forgotten', forgotten.token, 60_000)).toBe(false);
      expect(await a.tier.fill('forgotten', forgotten, record('late'), false)).toBe(false);
    });

    it('releases only its own lease', async () => {
      const { a, b } = context();
      const lease = await a.granted('k');
      await b.tier.release('k', { ...lease, token: 'not-mine' }, '');
      expect((await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('busy');
    });

    it.each(['fill', 'release', 'delete', 'put'] as const)(
      'wakes those who wait when the lease ends by %s',
      async (end) => {
        const { a, b } = context();
        const lease = await a.granted('k');
        // The wake-up is for who was told "busy": he waits first, so that it cannot pass by him.
        const woken = b.tier.waitForWake('k', 60_000);
        const other = b.tier.waitForWake('k', 60_000);
        expect((await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('busy');
        if (end === 'fill') await a.tier.fill('k', lease, record('v'), false);
        if (end === 'release') await a.tier.release('k', lease);
        if (end === 'delete') await a.tier.invalidateKeys(['k'], 'delete');
        if (end === 'put') await a.tier.put('k', record('v'), undefined);
        await Promise.all([woken, other]);
      },
    );

    it('wakes by itself after the time asked for', async () => {
      const { a, environment } = context();
      const waiting = a.tier.waitForWake('k', 50);
      await environment.advance(60);
      await waiting;
    });
  });

  describe('write holds', () => {
    it('delete the entry, void the lease and forbid leases until lifted', async () => {
      const { a, b } = context();
      await a.load('k', 'old');
      const loading = await b.granted('k', { force: true });
      await a.tier.hold('k', { token: 'writer', ttl: 60_000 });
      expect(await b.see('k')).toBeUndefined();
      expect(await b.tier.fill('k', loading, record('old'), false)).toBe(false);
      expect(await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).toEqual({ status: 'held' });
      expect(await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000, force: true })).toEqual({
        status: 'held',
      });
      await a.tier.unhold('k', 'writer');
      expect((await b.load('k', 'new')).payload.toString()).toBe('new');
    });

    it('last no longer than the holders that are left', async () => {
      const { a, b, environment } = context();
      await a.tier.hold('k', { token: 'short, of a writer that dies', ttl: 300 });
      await b.tier.hold('k', { token: 'long', ttl: 60_000 });
      await b.tier.unhold('k', 'long');
      expect((await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('held');
      await environment.advance(320);
      expect((await b.tier.lease('k', { token: b.token(), seen: '', ttl: 5_000 })).status).toBe('granted');
    });

    it('stand until the last of several holders is done', async () => {
      const { a, b } = context();
      await a.tier.hold('k', { token: 'one', ttl: 60_000 });
      await b.tier.hold('k', { token: 'two', ttl: 60_000 });
      await a.tier.hold('k', { token: 'one', ttl: 60_000 });
      await a.tier.unhold('k', 'one');
      await a.tier.unhold('k', 'one');
      expect((await a.tier.lease('k', { token: 'x', seen: '', ttl: 5_000 })).status).toBe('held');
      await b.tier.unhold('k', 'two');
      expect((await a.tier.lease('k', { token: 'x', seen: '', ttl: 5_000 })).status).toBe('granted');
    });

    it('are not lifted by an unknown token nor by a plain delete', async () => {
      const { a } = context();
      await a.tier.hold('k', { token: 'one', ttl: 60_000 });
      await a.tier.unhold('k', 'stranger');
      await a.tier.invalidateKeys(['k'], 'delete');
      expect((await a.tier.lease('k', { token: 'x', seen: '', ttl: 5_000 })).status).toBe('held');
    });

    it('run out by themselves when the writer died, and do not concern other keys', async () => {
      const { a, environment } = context();
      await a.tier.hold('k', { token: 'one', ttl: 100 });
      expect((await a.tier.lease('other', { token: 'x', seen: '', ttl: 5_000 })).status).toBe('granted');
      await environment.advance(120);
      expect((await a.tier.lease('k', { token: 'x', seen: '', ttl: 5_000 })).status).toBe('granted');
    });
  });
}
