export { CodedError, codeOfFailure, isCodedError, toError } from './coded-error.ts';
export type { CodedErrorOptions, ErrorDetails, JsonValue } from './coded-error.ts';
export { coreErrorCodes } from './errors.ts';
export type { CoreErrorCode } from './errors.ts';
export { deepFreeze } from './deep-freeze.ts';
export { problemsOf } from './input-problem.ts';
export type { InputProblem } from './input-problem.ts';
export { andThen, err, mapResult, ok, unwrap } from './result.ts';
export type { Err, Ok, Result } from './result.ts';
export { isSecret, REDACTED, Secret } from './secret.ts';
export { sleep, systemClock } from './clock.ts';
export type { Clock, Timer, TimerOptions } from './clock.ts';
export { createIdGenerator, idTime, isUuid, newId } from './ids.ts';
export type { IdGeneratorOptions } from './ids.ts';
export { deadlineAfter } from './deadline.ts';
export type { Deadline, DeadlineOptions } from './deadline.ts';
export {
  bindContext,
  currentContext,
  isTenantId,
  requireContext,
  requireTenant,
  runAs,
  runInContext,
} from './context.ts';
export type { Actor, Context } from './context.ts';
export { silentLogger } from './logger.ts';
export type { LogFields, Logger } from './logger.ts';
export { createTelemetry } from './telemetry.ts';
export type { Observation, Telemetry } from './telemetry.ts';
export { createKeyedMutex, createMutex } from './concurrency/mutex.ts';
export type { KeyedMutex, Mutex } from './concurrency/mutex.ts';
export { createSemaphore } from './concurrency/semaphore.ts';
export type { Semaphore } from './concurrency/semaphore.ts';
export { createSingleFlight } from './concurrency/single-flight.ts';
export type { Flight, SingleFlight } from './concurrency/single-flight.ts';
export { createTaskTracker } from './concurrency/task-tracker.ts';
export type { TaskTracker } from './concurrency/task-tracker.ts';
