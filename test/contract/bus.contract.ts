import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Bus, BusEvent, BusMessage, BusSink } from '@strata-cache/core';

/** What a bus brings to the contract. */
export interface BusHarness {
  /** Two members of one bus. */
  readonly members: readonly [Bus, Bus];
  /** Makes an invalidation travel: by `publish`, or by the tier the bus belongs to. Resolves when it was acknowledged. */
  send(event: BusEvent): Promise<void>;
  /** Resolves when what was sent has had time to arrive. */
  arrived(): Promise<void>;
  close(): Promise<void>;
}

class Recorder implements BusSink {
  readonly messages: BusMessage[] = [];
  readonly connections: string[] = [];

  onMessage(message: BusMessage): void {
    this.messages.push(message);
  }

  onConnected(shard: number): void {
    this.connections.push(`connected ${shard}`);
  }

  onDisconnected(shard: number): void {
    this.connections.push(`disconnected ${shard}`);
  }
}

const deletion = (key: string): BusEvent => ({ kind: 'keys', keys: [key], mode: 'delete' });

/** What every implementation of {@link Bus} keeps. */
export function busContract(name: string, open: () => Promise<BusHarness>): void {
  describe(`${name} keeps the contract of buses`, () => {
    let harness: BusHarness;
    let sinks: readonly [Recorder, Recorder];

    beforeEach(async () => {
      harness = await open();
      sinks = [new Recorder(), new Recorder()];
      harness.members.forEach((member, index) => member.start(sinks[index]));
      await harness.arrived();
    });

    afterEach(() => harness.close());

    it('says for each shard that it is connected', () => {
      const shards = Array.from({ length: harness.members[0].shards }, (_, shard) => `connected ${shard}`);
      sinks.forEach((sink) => expect(sink.connections).toEqual(shards));
    });

    it('delivers every event to every member, in order, numbered without gaps within a shard', async () => {
      const heads = await Promise.all(sinks.map((_, index) => harness.members[index].probe(0)));
      const events: BusEvent[] = [
        deletion('a'),
        { kind: 'keys', keys: ['a', 'b'], mode: 'expire' },
        { kind: 'tags', tags: ['t', 'u'], mode: 'delete' },
        { kind: 'tags', tags: ['t'], mode: 'expire' },
        { kind: 'clear', mode: 'expire' },
        { kind: 'clear', mode: 'delete' },
      ];
      for (const event of events) {
        await harness.send(event);
      }
      await harness.arrived();
      const there = sinks[1].messages.filter(({ shard }) => shard === 0);
      const numbers = there.map(({ sequence }) => sequence);
      expect(numbers).toEqual(numbers.map((_, index) => heads[1].sequence + 1 + index));
      expect(new Set(there.map(({ incarnation }) => incarnation))).toEqual(new Set([heads[1].incarnation]));
      // The sender counts along, whatever it is told of its own events.
      expect(sinks[0].messages.map(({ sequence }) => sequence)).toEqual(
        sinks[1].messages.map(({ sequence }) => sequence),
      );
      if (harness.members[0].shards === 1) {
        expect(there.map(({ event }) => event)).toEqual(events);
      }
    });

    it('a probe answers with the newest number, behind every message before it', async () => {
      await Promise.all(Array.from({ length: 20 }, (_, index) => harness.send(deletion(`k${index}`))));
      for (const [index, member] of harness.members.entries()) {
        for (let shard = 0; shard < member.shards; shard++) {
          const head = await member.probe(shard);
          const last = sinks[index].messages.filter((message) => message.shard === shard).at(-1);
          expect(last?.sequence ?? head.sequence).toBe(head.sequence);
        }
      }
    });

    it('a closed member hears nothing more, and its probes reject', async () => {
      await harness.members[1].close();
      await harness.send(deletion('a'));
      await harness.arrived();
      expect(sinks[1].messages).toEqual([]);
      await expect(harness.members[1].probe(0)).rejects.toBeDefined();
      expect(sinks[0].messages).toHaveLength(1);
    });
  });
}
