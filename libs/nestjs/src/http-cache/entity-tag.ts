import { createHash, hash } from 'node:crypto';
import { combined, type FieldValue } from './field.js';

/** A condition's list of entity tags: `*`, or the tags as they were sent. */
export type EntityTags = '*' | readonly string[];

/** `etagc`: visible characters without the quote, and obs-text (RFC 9110 section 8.8.3). */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const MEMBER = /[\s,]*((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[ \t]*(?=,|$)/y;

/** Whether a text is an entity tag (RFC 9110 section 8.8.3). */
export function isEntityTag(text: string): boolean {
  return ENTITY_TAG.test(text);
}

/**
 * The entity tags of If-Match or If-None-Match, all lines together; tags may hold commas, so it is no matter of splitting
 * (RFC 9110 sections 13.1.1 and 13.1.2). Undefined when the field is absent; what does not parse ends the list.
 */
export function parseEntityTags(value: FieldValue): EntityTags | undefined {
  const text = combined(value)?.trim();
  if (text === undefined) return undefined;
  if (text === '*') return '*';
  const tags: string[] = [];
  MEMBER.lastIndex = 0;
  for (let match = MEMBER.exec(text); match !== null; match = MEMBER.exec(text)) tags.push(match[1]);
  return tags;
}

export function isWeak(tag: string): boolean {
  return tag.startsWith('W/');
}

function opaque(tag: string): string {
  return isWeak(tag) ? tag.slice(2) : tag;
}

/** Weak comparison: the same characters, weak or not (RFC 9110 section 8.8.3.2). */
export function matchesWeakly(one: string, other: string): boolean {
  return opaque(one) === opaque(other);
}

/** Strong comparison: the same characters, and neither is weak (RFC 9110 section 8.8.3.2). */
export function matchesStrongly(one: string, other: string): boolean {
  return one === other && !isWeak(one);
}

/** Of a SHA-256 in base64url: 162 bits. */
const HASH_CHARACTERS = 27;

/** `crypto.hash` came with Node 20.12; it saves a third of the time of a hash object for small bodies. */
const sha256: (data: string | Uint8Array) => string =
  typeof hash === 'function'
    ? (data) => hash('sha256', data, 'base64url')
    : (data) => createHash('sha256').update(data).digest('base64url');

/** A short text that differs where the data differs. */
export function digest(data: string | Uint8Array): string {
  return sha256(data).slice(0, HASH_CHARACTERS);
}

/** The entity tag of a body's bytes. Weak by default: intermediaries change the coding of what they pass on (RFC 9110 section 8.8.1). */
export function bodyEntityTag(body: string | Uint8Array, strength: 'weak' | 'strong'): string {
  const tag = `"${digest(body)}"`;
  return strength === 'weak' ? `W/${tag}` : tag;
}

/** Between the version and what else the representation depends on. */
const MIX = '~';
const READABLE = /^[0-9A-Za-z_.:+-]{1,64}$/;

const MIX_CHARACTERS = 11;

/** What a representation depends on besides its version, as {@link versionEntityTag} takes it. */
export function mixDigest(dependencies: string): string {
  return digest(dependencies).slice(0, MIX_CHARACTERS);
}

/**
 * The entity tag of a version: readable where the version is, else hashed, so that any version makes a valid tag. `mix` tells variants of
 * one version apart, such as languages (RFC 9110 section 8.8.3.3).
 */
export function versionEntityTag(version: string, mix: string, strength: 'weak' | 'strong'): string {
  const readable = READABLE.test(version) ? version : `.${digest(version)}`;
  const tag = mix === '' ? `"${readable}"` : `"${readable}${MIX}${mix}"`;
  return strength === 'weak' ? `W/${tag}` : tag;
}

const MIXED = new RegExp(`${MIX}[\\w-]{${MIX_CHARACTERS}}"$`);

/**
 * Strong comparison of a tag that was sent with that of a version: whoever changes a resource has seen one variant of it, and any will do.
 */
export function matchesVersion(sent: string, current: string): boolean {
  return matchesStrongly(sent, current) || matchesStrongly(sent.replace(MIXED, '"'), current);
}
