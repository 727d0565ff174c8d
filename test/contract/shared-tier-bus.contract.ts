import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Instance, record, type Context } from './shared-tier.harness.js';

export function busContract(context: Context): void {
  describe('bus', () => {
    it('numbers every invalidation of a shard without gaps, and tells all instances, the sender included', async () => {
      const { a, b } = context();
      const shard = a.tier.shardOf('k');
      const before = await a.bus.probe(shard);
      await a.tier.invalidateKeys(['k'], 'delete');
      await b.tier.invalidateKeys(['k'], 'expire');
      await a.tier.invalidateTags(['t', 'u'], 'delete');
      await b.tier.invalidateTags(['v'], 'expire');
      await a.tier.put('k', record('v'), undefined);
      await a.tier.hold('k', { token: 'w', ttl: 1_000 });
      await a.tier.unhold('k', 'w');
      await b.tier.clear('expire');
      await a.tier.clear('delete');
      for (const instance of [a, b]) {
        const head = await instance.bus.probe(shard);
        const messages = instance.messages.filter((message) => message.shard === shard);
        expect(head).toEqual({ incarnation: before.incarnation, sequence: before.sequence + 9 });
        expect(messages.map(({ sequence }) => sequence)).toEqual(
          messages.map((_, index) => before.sequence + 1 + index),
        );
        expect(messages.map(({ event }) => event)).toEqual([
          { kind: 'keys', keys: ['k'], mode: 'delete' },
          { kind: 'keys', keys: ['k'], mode: 'expire' },
          { kind: 'tags', tags: ['t', 'u'], mode: 'delete' },
          { kind: 'tags', tags: ['v'], mode: 'expire' },
          { kind: 'keys', keys: ['k'], mode: 'delete' },
          { kind: 'keys', keys: ['k'], mode: 'delete' },
          { kind: 'keys', keys: ['k'], mode: 'delete' },
          { kind: 'clear', mode: 'expire' },
          { kind: 'clear', mode: 'delete' },
        ]);
      }
    });

    it('answers a probe behind every message sent before it', async () => {
      const { a, b } = context();
      const shard = a.tier.shardOf('k');
      for (let round = 0; round < 30; round += 1) {
        await a.tier.invalidateKeys(['k'], 'delete');
        const { sequence } = await b.bus.probe(shard);
        const delivered = b.messages.filter((message) => message.shard === shard).at(-1);
        expect(delivered?.sequence).toBe(sequence);
      }
    });

    it('does not number leases, fills, wake-ups and reads', async () => {
      const { a, b } = context();
      const shard = a.tier.shardOf('k');
      const before = await b.bus.probe(shard);
      const lease = await a.granted('k');
      await b.tier.lease('k', { token: 'x', seen: '', ttl: 1_000 });
      await a.tier.fill('k', lease, record('v'), false);
      expect(await b.bus.probe(shard)).toEqual(before);
      expect(b.messages).toEqual([]);
    });

    it('shows another incarnation when the state was lost, and says so to who reads', async () => {
      const { a, b, environment } = context();
      const shard = a.tier.shardOf('k');
      const before = await b.bus.probe(shard);
      await environment.loseState();
      await a.tier.invalidateKeys(['k'], 'delete');
      const after = await eventually(() => b.bus.probe(shard), { what: 'a probe' });
      expect(after.incarnation).not.toBe(before.incarnation);
      expect(after.sequence).toBeGreaterThan(0);
    });

    it('brings the state back by itself when nobody writes', async () => {
      const { b, environment } = context();
      const before = await b.bus.probe(0);
      await environment.loseState();
      const after = await eventually(() => b.bus.probe(0), { what: 'a probe' });
      expect(after.incarnation).not.toBe(before.incarnation);
    });

    it('rejects a probe, and answers reads as unavailable, once closed', async () => {
      const { environment } = context();
      const c = await new Instance(environment).ready();
      await c.close();
      await expect(c.bus.probe(0)).rejects.toThrow();
      expect((await c.outcome('k')).error).toBeDefined();
      await expect(c.tier.invalidateKeys(['k'], 'delete')).rejects.toThrow();
    });
  });
}
