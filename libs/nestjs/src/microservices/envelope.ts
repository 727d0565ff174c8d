import { randomUUID } from 'node:crypto';
import { CacheConfigError, checkEventName } from '@strata-cache/core';
import { eventMessages } from './event-messages.js';
import { fits } from './event-size.js';

/** What travels: an event in the form that every service of Strata understands. */
export interface EventEnvelope<Payload = any> {
  /** The version of this form. */
  readonly v: number;
  /** Unique; says which event this is, never whether to apply it: invalidations are applied each time they arrive. */
  readonly id: string;
  /** The name of the event, such as `product.updated`. */
  readonly type: string;
  readonly payload: Payload;
  /** ISO 8601, by the clock of the source; for people, never for ordering. */
  readonly occurredAt: string;
  /** The service that says so. */
  readonly source: string;
  /** Of the entity, rising; orders `set(..., { version })` of your own handlers. Invalidations ignore it. */
  readonly version?: number | undefined;
  /** What travels along without being part of the event, such as W3C trace context. At most a few, all strings. */
  readonly headers?: EventHeaders | undefined;
}

export type EventHeaders = Readonly<Record<string, string>>;

/** What `emit` may be told about an event. */
export interface EnvelopeOptions {
  /** Default: a random UUID. An outbox gives the id of its row, so that an event sent twice can be recognised. */
  readonly id?: string | undefined;
  readonly occurredAt?: Date | undefined;
  readonly version?: number | undefined;
  /** Default: what `headers` of the module says. */
  readonly headers?: EventHeaders | undefined;
}

/** An event that cannot be understood: trying again changes nothing. */
export class UnreadableEvent extends Error {
  readonly reason: 'malformed' | 'oversized';

  constructor(reason: 'malformed' | 'oversized', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** An envelope ready to be sent, and how long its text is. */
export interface SealedEvent {
  readonly envelope: EventEnvelope;
  readonly bytes: number;
}

/**
 * Makes the envelope of an event. Its payload is what JSON makes of the given one, so that mappers in this process see the same as those
 * of other services.
 * @throws CacheConfigError for a name that is none, a payload that JSON cannot hold, and one above `maxBytes`
 */
export function sealEvent(
  name: string,
  payload: unknown,
  source: string,
  maxBytes: number,
  options: EnvelopeOptions = {},
): SealedEvent {
  const type = checkEventName(name, 'CacheEvents.emit');
  const { id = randomUUID(), occurredAt = new Date(), version, headers } = options;
  if (version !== undefined && !Number.isSafeInteger(version)) {
    throw new CacheConfigError(eventMessages.badVersion(type, version));
  }
  let text: string | undefined;
  try {
    text = JSON.stringify({ v: 1, id, type, payload: payload ?? null, occurredAt, source, version, headers });
  } catch (error) {
    throw new CacheConfigError(eventMessages.notJson(type, error), error);
  }
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes) throw new CacheConfigError(eventMessages.tooLarge(type, bytes, maxBytes));
  return { envelope: JSON.parse(text) as EventEnvelope, bytes };
}

/** Makes a payload of what a service sent that knows nothing of envelopes; `undefined`: the event concerns nobody here. */
export type PlainMapper = (data: any, type: string) => unknown;

/**
 * Reads what arrived: an envelope, or the plain data of a service that knows none. `undefined`: `plain` said that it concerns nobody.
 * @throws UnreadableEvent for data above `maxBytes`, an envelope that contradicts itself, and data that `plain` cannot read
 */
export function openEvent(
  name: string,
  data: unknown,
  maxBytes: number,
  plain: PlainMapper | undefined,
): EventEnvelope | undefined {
  if (!fits(data, maxBytes)) throw new UnreadableEvent('oversized', eventMessages.oversized(name, maxBytes));
  if (isEnvelope(data)) {
    if (data.type !== name) throw new UnreadableEvent('malformed', eventMessages.otherType(name, data.type));
    return withCheckedHeaders(data);
  }
  let payload: unknown = data;
  if (plain !== undefined) {
    try {
      payload = plain(data, name);
    } catch (error) {
      throw new UnreadableEvent('malformed', eventMessages.plainFailed(name, error));
    }
    if (payload === undefined) return undefined;
  }
  return { v: 1, id: randomUUID(), type: name, payload, occurredAt: new Date().toISOString(), source: '' };
}

const MAX_HEADERS = 20;
const MAX_HEADER_LENGTH = 1_000;

/** Headers are nobody's word but the sender's: what is no short string is left out, and the event is applied all the same. */
function withCheckedHeaders(envelope: EventEnvelope): EventEnvelope {
  const given: unknown = envelope.headers;
  if (given === undefined) return envelope;
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  const kept = entries.filter(([, value]) => typeof value === 'string' && value.length <= MAX_HEADER_LENGTH);
  return { ...envelope, headers: Object.fromEntries(kept.slice(0, MAX_HEADERS)) as EventHeaders };
}

/** Own members only, for the data is anybody's. A later version of the form is read as well: dropping it would leave old entries. */
function isEnvelope(data: unknown): data is EventEnvelope {
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, 'payload')) return false;
  const { v, id, type, occurredAt, source } = data as Record<string, unknown>;
  return (
    Number.isInteger(v) &&
    (v as number) >= 1 &&
    [id, type, occurredAt, source].every((text) => typeof text === 'string' && text.length <= 300)
  );
}
