/**
 * How much of which files the tests must reach, in percent: `npm test` fails below. The models are measured by their unit
 * tests and the API by requests over a real socket, but all tests count.
 */
export const coverageThresholds = {
  'packages/trading/src/models/**/*.ts': { statements: 90, branches: 90, functions: 90, lines: 90 },
  'apps/server/src/{http,routes}/**/*.ts': { statements: 85, functions: 85, lines: 85 },
} as const;
