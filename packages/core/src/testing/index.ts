export { codeOf, failureOf } from './failure-of.ts';
export { createTestClock } from './test-clock.ts';
export type { TestClock } from './test-clock.ts';
