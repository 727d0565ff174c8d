/** What the lint of the contract says. */
export const contractMessages = {
  neverCleared: (cache: string, ttl: number, limit: number): string =>
    `cache "${cache}": nothing clears it, and its entries are fresh for ${ttl} ms (more than ${limit}): a change is not seen ` +
    `for as long. Add @CacheEvict where it changes or invalidatedBy for the events that say so, or shorten its ttl.`,

  aimsAtNothing: (by: string, cache: string): string =>
    `${by}: clears cache "${cache}", which nobody here reads. Name the definition that the readers use, or drop the decorator.`,

  unknownTag: (by: string, tag: string): string =>
    `${by}: invalidates the tag ${tag}, which no cache carries. Compare it with 'tags' of the definitions.`,

  twoOwners: (cache: string, owner: string, methods: readonly string[]): string =>
    `cache "${cache}" (owner: ${owner}) is filled by methods of several classes: ${methods.join(', ')}. What one stores the ` +
    `other serves. Let one class fill it, or give each a cache of its own.`,

  oneTtl: (caches: number, ttl: number): string =>
    `all ${caches} caches have the same ttl of ${ttl} ms: it was copied, not chosen. Give each what its data can bear.`,

  refused: (findings: readonly string[]): string =>
    `CacheModule.forRoot: lint: ${findings.length === 1 ? 'a finding' : `${findings.length} findings`}:\n- ${findings.join('\n- ')}`,
} as const;
