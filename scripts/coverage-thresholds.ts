/**
 * How much of which files the tests must reach, in percent: `npm test` fails below. The models are measured by their unit
 * tests, the vault by those of its package, databases by real ones and the API by requests over a real socket, but all tests count.
 */
export const coverageThresholds = {
  'packages/trading/src/models/**/*.ts': { statements: 90, branches: 90, functions: 90, lines: 90 },
  'packages/credentials/src/vault/**/*.ts': { statements: 90, branches: 90, functions: 90, lines: 90 },
  'packages/credentials/src/cache/**/*.ts': { statements: 90, branches: 90, functions: 90, lines: 90 },
  'packages/credentials/src/{identity,kinds,refresh,reseal,rotation,sealing,validation}/**/*.ts': {
    statements: 90,
    branches: 85,
    functions: 90,
    lines: 90,
  },
  'packages/resources/src/**/*.ts': { statements: 85, branches: 85, functions: 85, lines: 85 },
  'packages/resources/src/drivers/{postgres,sql}/**/*.ts': { statements: 90, branches: 85, functions: 90, lines: 90 },
  'packages/{egress,resilience}/src/**/*.ts': { statements: 90, branches: 85, functions: 90, lines: 90 },
  'apps/server/src/{http,routes}/**/*.ts': { statements: 85, functions: 85, lines: 85 },
} as const;
