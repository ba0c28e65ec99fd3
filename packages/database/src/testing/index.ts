export { describeDrivers, openTestDatabase } from './test-database.ts';
export type { TestDatabase, TestDriver } from './test-database.ts';
