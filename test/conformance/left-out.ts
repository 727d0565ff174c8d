/** Tests of the suite that say nothing about a store that sits in an application, in front of its handlers. */
export interface LeftOut {
  readonly reason: string;
  readonly ids: readonly string[];
}

/** What needs a cache between two servers, or in a browser. */
export const NOT_APPLICABLE: readonly LeftOut[] = [
  {
    reason: "needs a browser's own cache in front of the server",
    ids: [
      'freshness-max-age-s-maxage-private',
      'freshness-max-age-s-maxage-private-multiple',
      'cc-resp-private-private',
      'cc-resp-immutable-fresh',
      'cc-resp-immutable-stale',
    ],
  },
  {
    reason: 'needs a cache that asks the next server with a condition; here the store runs the handler instead',
    ids: [
      'cc-resp-no-cache-revalidate',
      'cc-resp-no-cache-revalidate-fresh',
      'ccreq-no-cache-lm',
      'ccreq-no-cache-etag',
      'conditional-lm-stale',
      'conditional-etag-vary-headers',
      'conditional-etag-vary-headers-mismatch',
      'conditional-etag-strong-generate',
      'conditional-etag-weak-generate-weak',
      'conditional-etag-strong-generate-unquoted',
      'conditional-etag-forward',
      'conditional-etag-forward-unquoted',
    ],
  },
  {
    reason: 'needs a 304 from the next server to update what is stored; a handler makes whole responses',
    ids: [
      '304-lm-use-stored-Test-Header',
      '304-etag-update-response-Test-Header',
      '304-etag-update-response-X-Test-Header',
      '304-etag-update-response-Content-Foo',
      '304-etag-update-response-X-Content-Foo',
      '304-etag-update-response-Cache-Control',
      '304-etag-update-response-Content-Encoding',
      '304-etag-update-response-Content-Length',
      '304-etag-update-response-Content-Location',
      '304-etag-update-response-Content-MD5',
      '304-etag-update-response-Content-Range',
      '304-etag-update-response-Content-Security-Policy',
      '304-etag-update-response-Content-Type',
      '304-etag-update-response-Clear-Site-Data',
      '304-etag-update-response-ETag',
      '304-etag-update-response-Expires',
      '304-etag-update-response-Public-Key-Pins',
      '304-etag-update-response-Set-Cookie',
      '304-etag-update-response-Set-Cookie2',
      '304-etag-update-response-X-Frame-Options',
      '304-etag-update-response-X-XSS-Protection',
    ],
  },
  {
    reason: 'needs a HEAD response from the next server to update what is stored; HEAD is answered like GET',
    ids: ['head-writethrough', 'head-200-retain', 'head-200-freshness-update', 'head-200-update', 'head-410-update'],
  },
  {
    reason:
      "needs stored 206 responses; a handler's partial responses are never stored, and RFC 9110 section 14.2 lets a server ignore Range",
    ids: [
      'partial-store-partial-reuse-partial',
      'partial-store-complete-reuse-partial',
      'partial-store-complete-reuse-partial-no-last',
      'partial-store-complete-reuse-partial-suffix',
      'partial-store-partial-reuse-partial-byterange',
      'partial-store-partial-reuse-partial-absent',
      'partial-store-partial-reuse-partial-suffix',
      'partial-store-partial-complete',
      'partial-use-headers',
      'partial-use-stored-headers',
    ],
  },
  {
    reason: 'asks for freshness that the response does not state; nothing is fresh here unless it says so',
    ids: [
      'heuristic-200-cached',
      'heuristic-203-cached',
      'heuristic-204-cached',
      'heuristic-404-cached',
      'heuristic-405-cached',
      'heuristic-410-cached',
      'heuristic-414-cached',
      'heuristic-501-cached',
      'heuristic-599-cached',
      'heuristic-delta-5',
      'heuristic-delta-10',
      'heuristic-delta-30',
      'heuristic-delta-60',
      'heuristic-delta-300',
      'heuristic-delta-600',
      'heuristic-delta-1200',
      'heuristic-delta-1800',
      'heuristic-delta-3600',
      'heuristic-delta-43200',
      'heuristic-delta-86400',
    ],
  },
  {
    reason: 'needs a cache that obeys CDN-Cache-Control; an origin sends it to CDNs instead',
    ids: [
      'cdn-max-age',
      'cdn-max-age-max',
      'cdn-max-age-max-plus',
      'cdn-max-age-age',
      'cdn-max-age-space-before-equals',
      'cdn-max-age-space-after-equals',
      'cdn-max-age-0',
      'cdn-max-age-extension',
      'cdn-max-age-case-insensitive',
      'cdn-max-age-expires',
      'cdn-max-age-cc-max-age-invalid-expires',
      'cdn-max-age-0-expires',
      'cdn-max-age-short-cc-max-age',
      'cdn-max-age-long-cc-max-age',
      'cdn-private',
      'cdn-no-cache',
      'cdn-no-store-cc-fresh',
      'cdn-fresh-cc-nostore',
      'cdn-cc-invalid-sh-type-unknown',
      'cdn-cc-invalid-sh-type-wrong',
      'cdn-remove-header',
      'cdn-remove-age-exceed',
      'cdn-date-update-exceed',
      'cdn-expires-update-exceed',
    ],
  },
  {
    reason: 'needs interim (1xx) responses to pass through; a handler of Nest sends none',
    ids: ['interim-102', 'interim-103', 'interim-not-cached', 'interim-no-header-reuse'],
  },
  {
    reason:
      'asks for a stored response to POST with a Content-Location; optional in RFC 9110 section 9.3.3, and refused here',
    ids: ['method-POST'],
  },
  {
    reason: 'is about fields of the connection with the next server, which a handler cannot send',
    ids: ['headers-omit-headers-listed-in-Connection', 'headers-store-Content-Length'],
  },
  {
    reason:
      'needs fields named by no-cache to be left out of a stored response; here such a response is not reused without the handler',
    ids: [
      'headers-omit-headers-listed-in-Cache-Control-no-cache-single',
      'headers-omit-headers-listed-in-Cache-Control-no-cache',
    ],
  },
  {
    reason: 'needs time on the way to the next server; the handler is in the same process',
    ids: ['other-age-delay'],
  },
];

/** What could be done, and is not. */
export const REFUSED: readonly LeftOut[] = [
  {
    reason: 'asks for a cookie to be stored and sent to the next client; a response that sets one is never stored',
    ids: ['headers-store-Set-Cookie', 'headers-store-Set-Cookie2', 'other-set-cookie'],
  },
];
