import { describe, expect, it } from '@jest/globals';
import type { BusEvent, Notice, Observer } from '@strata-cache/core';
import { alsoTelling } from '../../libs/nestjs/src/purging/also-telling.js';

const event: BusEvent = { kind: 'tags', tags: ['a'], mode: 'delete' };

class Base {
  readonly notices: Notice[] = [];
  notice(notice: Notice): void {
    this.notices.push(notice);
  }
}

/** With a private field and an inherited member, as real observers have. */
class Private extends Base implements Observer {
  readonly #events: BusEvent[] = [];
  invalidated(one: BusEvent): void {
    this.#events.push(one);
  }
  get events(): readonly BusEvent[] {
    return this.#events;
  }
}

describe('alsoTelling', () => {
  it('tells both, and keeps own, inherited and private members working', () => {
    const given = new Private();
    const told: BusEvent[] = [];
    const observer = alsoTelling(given, (one) => told.push(one));
    observer.invalidated?.(event);
    observer.notice?.({ level: 'warn', name: 'x', message: 'y' });
    expect([given.events, told, given.notices.length]).toEqual([[event], [event], 1]);
  });

  it('adds no member but its own: an absent lookup keeps L1 hits on their short way', () => {
    const observer = alsoTelling({ notice: () => undefined }, () => undefined);
    expect(Object.keys(observer).sort()).toEqual(['invalidated', 'notice']);
    expect(observer.lookup).toBeUndefined();
  });
});
