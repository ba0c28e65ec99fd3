import type { Secret } from '@tenon/core';

/** The server's settings, checked and with nothing left open. Durations are milliseconds. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  readonly publicUrl: string | undefined;
  readonly databaseUrl: Secret | undefined;
  readonly databasePool: number;
  readonly databaseCaFile: string | undefined;
  readonly databaseAcquireTimeoutMs: number;
  readonly databaseStatementTimeoutMs: number;
  readonly databaseConnectDeadlineMs: number;
  readonly databasePreparedStatements: boolean;
  readonly redisUrl: Secret | undefined;
  readonly keys: Secret | undefined;
  readonly roles: readonly ('api' | 'worker')[];
  readonly ownerEmail: string;
  readonly ownerPassword: Secret | undefined;
  readonly credentialAudit: 'required' | 'observe';
  readonly resourcesFile: string | undefined;
  readonly sampleData: boolean;
  readonly registration: 'open' | 'closed';
  readonly bcryptCost: number;
  readonly signInConcurrency: number;
  readonly accessTokenMinutes: number;
  readonly sessionIdleDays: number;
  readonly sessionMaxDays: number;
  readonly refreshReuseGraceMs: number;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly bodyLimitBytes: number;
  readonly requestTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly metricsToken: Secret | undefined;
  readonly tracesUrl: string | undefined;
  readonly tracesPercent: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}
