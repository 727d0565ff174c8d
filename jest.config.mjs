import { SWC_SETTINGS } from './test/support/swc-settings.mjs';

/** Tests run on the sources as ES modules: no build needed. See docs/decisions.md. */
const transform = { '^.+\\.ts$': ['@swc/jest', SWC_SETTINGS] };

export default {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@strata-cache/source', 'node', 'node-addons'] },
  testMatch: [
    '<rootDir>/libs/*/src/**/*.spec.ts',
    '<rootDir>/apps/*/src/**/*.spec.ts',
    '<rootDir>/test/**/*.{spec,int-spec,e2e-spec}.ts',
  ],
  // The specs in there break the laws on purpose, for test/laws.
  testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/fixtures/laws/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/(libs|apps)/.*/dist/'],
  transform,
  testTimeout: 30_000,
  // What a suite leaves behind in Node itself (every AsyncLocalStorage that ever ran) makes each later promise of the process
  // dearer, up to sevenfold after a hundred suites. A worker that has grown is replaced before its next suite.
  workerIdleMemoryLimit: '600MB',
};
