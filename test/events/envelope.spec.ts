import { describe, expect, it } from '@jest/globals';
import {
  openEvent,
  sealEvent,
  UnreadableEvent,
  type PlainMapper,
} from '../../libs/nestjs/src/microservices/envelope.js';
import { fits } from '../../libs/nestjs/src/microservices/event-size.js';
import { Seeded } from '../support/seeded.js';

const MAX = 10_000;
const open = (data: unknown, plain?: PlainMapper): unknown => openEvent('price.changed', data, MAX, plain);
const seal = (payload: unknown, options = {}): ReturnType<typeof sealEvent> =>
  sealEvent('price.changed', payload, 'pricing', MAX, options);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UnreadableEvent) return error.reason;
    throw error;
  }
  return 'read';
}

describe('sealEvent', () => {
  it('makes an envelope that openEvent reads', () => {
    const { envelope, bytes } = seal(
      { id: '42', at: new Date(0) },
      { id: 'row 7', version: 3, occurredAt: new Date(0) },
    );
    expect(envelope).toEqual({
      v: 1,
      id: 'row 7',
      type: 'price.changed',
      payload: { id: '42', at: '1970-01-01T00:00:00.000Z' },
      occurredAt: '1970-01-01T00:00:00.000Z',
      source: 'pricing',
      version: 3,
    });
    expect(bytes).toBe(JSON.stringify(envelope).length);
    expect(open(JSON.parse(JSON.stringify(envelope)))).toEqual(envelope);
    expect(seal({}).envelope.id).not.toBe(seal({}).envelope.id);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['a name with a wildcard', () => sealEvent('price.*', {}, 's', MAX), /expected an event name/],
    ['no name', () => sealEvent(undefined as never, {}, 's', MAX), /expected an event name/],
    [
      'a payload with a cycle',
      () => {
        const a: any = {};
        a.a = a;
        return seal(a);
      },
      /no JSON form/,
    ],
    ['a bigint', () => seal({ id: 1n }), /no JSON form/],
    ['a large payload', () => seal({ text: 'x'.repeat(MAX) }), /maxEventBytes is 10000/],
    ['a version that is none', () => seal({}, { version: 1.5 }), /version: expected a whole number/],
  ])('refuses %s', (_what, run, message) => expect(run).toThrow(message));
});

describe('openEvent', () => {
  const good = seal({ id: '42' }).envelope;

  it('reads what is no envelope as the payload itself', () => {
    for (const data of [{ id: '42' }, 'text', 7, null, undefined, [], { v: 1, payload: {} }, { ...good, id: 7 }]) {
      expect(open(data)).toMatchObject({ type: 'price.changed', payload: data, source: '' });
    }
  });

  it('asks `plain`, which may pass it over, and may fail', () => {
    expect(open({ sku: '42' }, ({ sku }) => ({ id: sku }))).toMatchObject({ payload: { id: '42' } });
    expect(open({ sku: '42' }, () => undefined)).toBeUndefined();
    expect(refusal(() => open(null, ({ sku }) => sku))).toBe('malformed');
    expect(open(good, () => undefined)).toEqual(good);
  });

  it('reads later versions of the envelope: to drop them would leave old entries', () => {
    expect(open({ ...good, v: 2, more: true })).toMatchObject({ v: 2, payload: { id: '42' } });
  });

  it('refuses an envelope of another event, large data, and deep data', () => {
    expect(refusal(() => open({ ...good, type: 'price.removed' }))).toBe('malformed');
    expect(refusal(() => open({ ...good, payload: 'x'.repeat(MAX) }))).toBe('oversized');
    let deep: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) deep = [deep];
    expect(refusal(() => open({ ...good, payload: deep }))).toBe('oversized');
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    expect(refusal(() => open(cycle))).toBe('oversized');
  });

  it('takes own members only, and leaves prototypes alone', () => {
    const inherited: unknown = Object.create(good);
    expect(open(inherited)).toMatchObject({ payload: inherited });
    const poisoned = JSON.parse(`{"__proto__": ${JSON.stringify(good)}, "polluted": true}`) as object;
    expect(open(poisoned)).toMatchObject({ payload: poisoned });
    expect(({} as { v?: number }).v).toBeUndefined();
  });

  it('only ever reads or refuses, whatever comes: 20,000 random values', () => {
    const random = new Seeded(7);
    const words = [...Object.keys(good), '__proto__', 'length', 'then', 'toString', 'x'];
    const value = (depth: number): unknown => {
      const kind = random.int(0, depth > 4 ? 5 : 8);
      if (kind === 0) return random.int(-3, 3);
      if (kind === 1) return 'y'.repeat(random.int(0, random.pick([20, 4_000])));
      if (kind === 2) return null;
      if (kind === 3) return random.chance(0.5);
      if (kind === 4) return undefined;
      if (kind === 5) return random.bytes(random.int(0, 300));
      if (kind === 6) return Array.from({ length: random.int(0, 6) }, () => value(depth + 1));
      const base: Record<string, unknown> = random.chance(0.4) ? { ...good } : {};
      for (let index = random.int(0, 4); index > 0; index--) {
        Object.defineProperty(base, random.pick(words), {
          value: value(depth + 1),
          enumerable: true,
          configurable: true,
        });
      }
      return base;
    };
    const outcomes: Record<string, number> = {};
    for (let run = 0; run < 20_000; run++) {
      const data = value(0);
      const outcome = refusal(() => open(data));
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
    expect(Object.keys(outcomes).sort()).toEqual(['malformed', 'oversized', 'read']);
    expect(outcomes.read).toBeGreaterThan(5_000);
  });
});

describe('fits', () => {
  it('measures about what JSON would take', () => {
    for (const data of [{ a: 'x'.repeat(500) }, ['x'.repeat(100), 'y'.repeat(400)], { n: Array(100).fill(12345) }]) {
      const { length } = JSON.stringify(data);
      expect([fits(data, length * 2), fits(data, length / 2)]).toEqual([true, false]);
    }
  });
});
