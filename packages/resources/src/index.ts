export { createResources } from './create-resources.ts';
export type {
  CredentialChange,
  Resources,
  ResourcesHealth,
  ResourcesOptions,
  ResourceView,
  ShutDownEntry,
  ShutDownReport,
} from './resources.ts';
export { defineResource } from './definition/define-resource.ts';
export type {
  CreateContext,
  Dependencies,
  ExposeContext,
  FilledDependencies,
  HealthOptions,
  PoolSettings,
  ResourceDefinition,
} from './definition/resource-definition.ts';
export type { ResourceToken } from './definition/resource-token.ts';
export type { Borrowed, BorrowedLease } from './managed/resource-services.ts';
export type { RegistrationOptions } from './registry/registration.ts';
export type { ScopeResolution } from './registry/registry.ts';
export type {
  CredentialReader,
  CredentialSlot,
  CredentialSlots,
  FilledSlots,
  SlotCredential,
  SlotKind,
} from './credentials/credential-slots.ts';
export { globalScope, scopeContains, scopeKey } from './scope/resource-scope.ts';
export type { ResourceScope, ScopeLevel } from './scope/resource-scope.ts';
export {
  canTransition,
  isAvailable,
  isTerminal,
  isTransitional,
  stateTransitions,
} from './lifecycle/resource-state.ts';
export type { NextState, ResourceState } from './lifecycle/resource-state.ts';
export { createDependencyGraph } from './graph/dependency-graph.ts';
export type { DependencyGraph } from './graph/dependency-graph.ts';
export { toMermaid } from './graph/mermaid.ts';
export { healthScore, isUsable } from './health/health-status.ts';
export type { HealthRecord, HealthStatus } from './health/health-status.ts';
export { rollUp } from './health/health-roll-up.ts';
export type { HealthPart, HealthRollUp } from './health/health-roll-up.ts';
export { healthTrend } from './health/health-trend.ts';
export type { HealthTrend, TrendDirection, TrendHalf } from './health/health-trend.ts';
export type { GateState, RecoveryOptions } from './health/recovery-gate.ts';
export type { QuotaName, TenantQuota } from './quota/tenant-quotas.ts';
export type { EventStream } from './events/event-bus.ts';
export type { ResourceEvent, ResourceEventFacts } from './events/resource-event.ts';
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
