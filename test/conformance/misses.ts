/** Optional tests the store misses, each with its reason. A test fails when one of them passes, or another one does not. */
export const OPTIONAL_MISSES: Readonly<Record<string, string>> = {};
