export { resourceErrorCodes } from './errors.ts';
export type { ResourceError, ResourceErrorCode } from './errors.ts';
export { createPool } from './pool/create-pool.ts';
export type {
  AcquireOptions,
  CloseOptions,
  CloseReport,
  DrainReport,
  Lease,
  LeaseOutcome,
  Pool,
  WarmUpOptions,
} from './pool/pool.ts';
export type { PoolEvent } from './pool/pool-event.ts';
export type { CreateBackoff, DestroyReason, PoolHookContext, PoolOptions, PoolStrategy } from './pool/pool-options.ts';
export type { PoolRecommendation } from './pool/recommendation.ts';
export type { PoolStatistics } from './pool/statistics.ts';
