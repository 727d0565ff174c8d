import type { BusEvent, BusMessage, InvalidationMode } from '@strata-cache/core';

/** Longest message that is looked at; one script announces at most 128 keys or 1000 tags. */
const MAX_BYTES = 1024 * 1024;
/** The position in front of the body: version, incarnation, sequence. All below 2^53. */
const POSITION = /^1\|(\d{1,16})\|(\d{1,16})\|/;
const KINDS = { k: 'keys', t: 'tags', c: 'clear' } as const;
const MODES: Readonly<Record<string, InvalidationMode>> = { d: 'delete', e: 'expire' };

/** The part of a message a script puts behind the position: a JSON array of kind, mode and names. */
export function encodeBody(event: BusEvent): string {
  const mode = event.mode === 'delete' ? 'd' : 'e';
  switch (event.kind) {
    case 'keys':
      return JSON.stringify(['k', mode, ...event.keys]);
    case 'tags':
      return JSON.stringify(['t', mode, ...event.tags]);
    default:
      return JSON.stringify(['c', mode]);
  }
}

/**
 * Reads a message of the bus. Whoever may PUBLISH can send anything, and a later version of this library may speak otherwise: what is not
 * understood has no event, and everything it might have concerned is then suspect. Never throws.
 */
export function decodeMessage(shard: number, bytes: Buffer): BusMessage {
  if (bytes.length > MAX_BYTES) {
    return { shard, incarnation: 0, sequence: 0, event: undefined };
  }
  const text = bytes.toString('utf8');
  const position = POSITION.exec(text);
  if (position === null) {
    return { shard, incarnation: 0, sequence: 0, event: undefined };
  }
  const event = decodeBody(text.slice(position[0].length));
  return { shard, incarnation: Number(position[1]), sequence: Number(position[2]), event };
}

function decodeBody(text: string): BusEvent | undefined {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(body) || !body.every((part) => typeof part === 'string')) {
    return undefined;
  }
  const [kind, mode, ...names] = body as string[];
  if (!Object.hasOwn(KINDS, kind ?? '') || !Object.hasOwn(MODES, mode ?? '')) {
    return undefined;
  }
  const known = { kind: KINDS[kind as keyof typeof KINDS], mode: MODES[mode] };
  if (known.kind === 'clear') {
    return { kind: 'clear', mode: known.mode };
  }
  return known.kind === 'keys'
    ? { kind: 'keys', keys: names, mode: known.mode }
    : { kind: 'tags', tags: names, mode: known.mode };
}
