import { CacheConfigError } from '@strata-cache/core';
import { messages } from '../messages.js';
import { isEntityTag, isWeak, versionEntityTag } from './entity-tag.js';
import type { Validators } from './exchange.js';
import type { ResourceVersion } from './http-cache-options.js';

const ABSENT: Validators = { exists: false, etag: undefined, lastModified: undefined };
const UNKNOWN: Validators = { exists: true, etag: undefined, lastModified: undefined };

/** Of what a `version` function said; `mix` is what the representation depends on besides. */
export function validatorsOf(version: ResourceVersion, mix: string, strength: 'weak' | 'strong'): Validators {
  if (version === null || version === undefined) return ABSENT;
  // No number, no state: as a tag it would say for ever that nothing has changed.
  if (Number.isNaN(version instanceof Date ? version.getTime() : version)) return UNKNOWN;
  if (typeof version !== 'object') {
    return { exists: true, etag: tagOf(version, mix, strength), lastModified: undefined };
  }
  if (version instanceof Date)
    return { exists: true, etag: tagOf(version.getTime(), mix, strength), lastModified: undefined };
  const { etag, lastModified } = version;
  return {
    exists: true,
    etag: etag === undefined || Number.isNaN(etag) ? undefined : tagOf(etag, mix, strength),
    lastModified: instantOf(lastModified),
  };
}

function instantOf(lastModified: Date | number | undefined): number | undefined {
  const instant = lastModified instanceof Date ? lastModified.getTime() : lastModified;
  return Number.isFinite(instant) ? instant : undefined;
}

function tagOf(version: string | number | bigint, mix: string, strength: 'weak' | 'strong'): string {
  const text = String(version);
  return isEntityTag(text) ? text : versionEntityTag(text, mix, strength);
}

/** @throws CacheConfigError for a weak tag: If-Match compares strongly, so that no request could ever succeed */
export function strongValidatorsOf(site: string, version: ResourceVersion): Validators {
  const validators = validatorsOf(version, '', 'strong');
  if (validators.etag !== undefined && isWeak(validators.etag)) {
    throw new CacheConfigError(messages.httpWeakPrecondition(site));
  }
  return validators;
}
