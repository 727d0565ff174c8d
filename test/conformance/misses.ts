/** Optional tests the store misses, each with its reason. A test fails when one of them passes, or another one does not. */
export const OPTIONAL_MISSES: Readonly<Record<string, string>> = {
  'vary-normalise-lang-order':
    'the order of languages is left alone, for applications may give it a meaning; `vary` with a function folds it',
  'vary-normalise-lang-select':
    'which language answers which request only the application knows; `vary` with a function says so',
  'conditional-lm-fresh-no-lm':
    'without `Last-Modified` the store compares with `Date` (RFC 9111 section 4.3.2), which is later than the date of the request: modified',
};
