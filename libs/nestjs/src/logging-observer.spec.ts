import { describe, expect, it } from '@jest/globals';
import type { Observer } from '@strata-cache/core';
import { loggingObserver } from './logging-observer.js';

describe('loggingObserver', () => {
  it('looks at no lookup nor operation that nobody asked for, so that L1 hits keep their short way', () => {
    expect(loggingObserver(undefined)).toEqual({ notice: expect.any(Function) });
    const seen: string[] = [];
    const observer = loggingObserver({ lookup: (cache, outcome) => seen.push(`${cache} ${outcome}`) });
    observer.lookup?.('product', 'hit', 'l1', 'key');
    expect(seen).toEqual(['product hit']);
    expect(observer.around).toBeUndefined();
  });

  it('leaves an observer that takes notices as it is', () => {
    const observer: Observer = { notice: () => undefined };
    expect(loggingObserver(observer)).toBe(observer);
  });
});
