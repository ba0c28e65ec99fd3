import { credentialError } from '../errors.ts';
import type { AuditQuery } from './audit-record.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1_000;

/**
 * How many records a query asks for.
 *
 * @throws `CREDENTIAL_INVALID` unless it is 1 to 1,000
 */
export function auditLimit({ limit = DEFAULT_LIMIT }: Pick<AuditQuery, 'limit'>): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw credentialError('CREDENTIAL_INVALID', `limit must be a whole number from 1 to ${MAX_LIMIT}`);
}
