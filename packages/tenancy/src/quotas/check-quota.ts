import { tenancyError } from '../errors.ts';

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @throws `QUOTA_INVALID` */
export function assertQuotaName(name: string): void {
  if (NAME.test(name)) return;
  throw tenancyError('QUOTA_INVALID', 'a quota is named by 1 to 64 lower-case letters, digits, "-", "_" or "."');
}

/** @throws `QUOTA_INVALID` naming the parameter */
export function assertQuotaAmount(parameter: string, amount: number): void {
  if (Number.isSafeInteger(amount) && amount >= 0) return;
  throw tenancyError('QUOTA_INVALID', `${parameter} must be a whole number from 0`);
}
