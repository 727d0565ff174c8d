import { describe, expect, it } from '@jest/globals';
import type { FillLease, InvalidationMode, LeaseReply } from '@strata-cache/core';
import { record, type Context, type Instance } from './shared-tier.harness.js';

const ERROR = '{"message":"down"}';

/** What a load that stored nothing leaves, and for whom. */
export function failedLoadContract(context: Context): void {
  const ask = async (by: Instance, key: string, awaited?: string): Promise<LeaseReply> =>
    by.tier.lease(key, { token: by.token(), seen: '', ttl: 5_000, awaited });

  /** `a` loads, `b` is told to wait for it. */
  const awaited = async (key: string): Promise<FillLease> => {
    const { a, b } = context();
    const lease = await a.granted(key);
    expect(await ask(b, key)).toMatchObject({ status: 'busy', holder: lease.token });
    return lease;
  };

  describe('a load that has failed', () => {
    it('tells its error to who was told to wait for it, and to nobody else', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease, ERROR);
      expect(await ask(b, 'k', lease.token)).toEqual({ status: 'failed', error: ERROR });
      expect(await ask(b, 'k', 'another load')).toMatchObject({ status: 'granted' });
    });

    it('lets the first who asks load, newcomers wait for that one, and those who waited not wait again', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease, '');
      const next = await ask(b, 'k', lease.token);
      if (next.status !== 'granted') throw new Error(next.status);
      expect(await ask(a, 'k', lease.token)).toEqual({ status: 'failed', error: undefined });
      expect(await ask(a, 'k')).toMatchObject({ status: 'busy', holder: next.lease.token });
      expect(await b.tier.renew('k', next.lease.token, 5_000)).toBe(true);
      expect(await b.tier.fill('k', next.lease, record('v'), false)).toBe(true);
      expect(await a.see('k')).toBe('v');
    });

    it('tells its error also when somebody has begun to load anew', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease, ERROR);
      expect(await ask(a, 'k')).toMatchObject({ status: 'granted' });
      expect(await ask(b, 'k', lease.token)).toEqual({ status: 'failed', error: ERROR });
    });

    it('is forgotten when the load after it ends: by another failure, or by a value', async () => {
      const { a, b } = context();
      const first = await awaited('k');
      await a.tier.release('k', first, ERROR);
      const second = await b.granted('k');
      expect(await ask(a, 'k')).toMatchObject({ status: 'busy' });
      await b.tier.release('k', second, '"later"');
      // An older or a newer load than the one that was awaited answers nobody.
      expect(await ask(a, 'k', second.token)).toEqual({ status: 'failed', error: '"later"' });
      const third = await ask(b, 'k', first.token);
      if (third.status !== 'granted') throw new Error(third.status);
      await b.tier.fill('k', third.lease, record('v'), false);
      expect(await ask(a, 'k', second.token)).toEqual({ status: 'changed' });
    });

    it('leaves no word when it gives its lease back for another to take over', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease);
      const next = await ask(b, 'k', lease.token);
      if (next.status !== 'granted') throw new Error(next.status);
      expect(await ask(a, 'k', lease.token)).toMatchObject({ status: 'busy', holder: next.lease.token });
    });

    it.each(['delete', 'expire'] as const)('says nothing once the key was invalidated (%s)', async (mode) => {
      const { a, b } = context();
      const before = await awaited('before');
      await b.tier.invalidateKeys(['before'], mode);
      await a.tier.release('before', before, ERROR);
      expect(await ask(b, 'before', before.token)).toMatchObject({ status: 'granted' });
      const after = await awaited('after');
      await a.tier.release('after', after, ERROR);
      await b.tier.invalidateKeys(['after'], mode);
      expect(await ask(b, 'after', after.token)).toMatchObject({ status: 'granted' });
    });

    const wider: Record<string, (by: Instance, mode: InvalidationMode) => Promise<void>> = {
      'some tag': (by, mode) => by.tier.invalidateTags(['t'], mode),
      namespace: (by, mode) => by.tier.clear(mode),
    };
    it.each(Object.keys(wider).flatMap((what) => [[what, 'delete'] as const, [what, 'expire'] as const]))(
      'keeps its error to itself once the %s was invalidated (%s): it may have been meant',
      async (what, mode) => {
        const { a, b } = context();
        const before = await awaited('before');
        await wider[what](b, mode);
        await a.tier.release('before', before, ERROR);
        expect(await ask(b, 'before', before.token)).toMatchObject({ status: 'granted' });
        const after = await awaited('after');
        await a.tier.release('after', after, ERROR);
        await wider[what](b, mode);
        expect(await ask(b, 'after', after.token)).toMatchObject({ status: 'granted' });
      },
    );

    it('keeps its error to itself when the state was lost', async () => {
      const { a, b, environment } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease, ERROR);
      await environment.loseState();
      await ask(a, 'other').catch(() => undefined);
      await Promise.all([a.ready(), b.ready()]);
      expect(await ask(b, 'k', lease.token)).toMatchObject({ status: 'granted' });
    });

    it('is remembered no longer than its lease would have lived', async () => {
      const { a, b, environment } = context();
      const lease = await a.granted('k', { ttl: 300 });
      expect(await ask(b, 'k')).toMatchObject({ status: 'busy' });
      await a.tier.release('k', lease, ERROR);
      await environment.advance(320);
      expect(await ask(b, 'k', lease.token)).toMatchObject({ status: 'granted' });
    });

    it('is told byte for byte', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      const error = JSON.stringify({ message: 'a\nb\r\n|\0 é 漢 😀 \u2028 % {}' });
      await a.tier.release('k', lease, error);
      expect(await ask(b, 'k', lease.token)).toEqual({ status: 'failed', error });
      const raw = await awaited('raw');
      await a.tier.release('raw', raw, 'line\nbreaks\n\n');
      expect(await ask(b, 'raw', raw.token)).toEqual({ status: 'failed', error: 'line\nbreaks\n\n' });
    });

    it('does not keep a put from taking the key, nor readers from loading beside it', async () => {
      const { a, b } = context();
      const lease = await awaited('k');
      await a.tier.release('k', lease, '');
      const put = await a.granted('k', { token: '!put', force: true });
      expect(await ask(b, 'k', lease.token)).toEqual({ status: 'failed', error: undefined });
      expect(await a.tier.fill('k', put, record('put'), true)).toBe(true);
      expect(await b.see('k')).toBe('put');
    });
  });
}
