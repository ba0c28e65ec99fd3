import { CodedError, type CodedErrorOptions } from '@tenon/core';

/** Every code that `@tenon/tenancy` raises. */
export const tenancyErrorCodes = [
  'INVITATION_INVALID',
  'INVITATION_NOT_POSSIBLE',
  'QUOTA_EXCEEDED',
  'QUOTA_INVALID',
  'TENANCY_OPTIONS_INVALID',
  'TENANT_EXISTS',
  'TENANT_FIELD_REFUSED',
  'TENANT_INPUT_INVALID',
  'TENANT_NOT_FOUND',
  'TENANT_SETTINGS_INVALID',
  'TENANT_SETTINGS_VERSION_CONFLICT',
  'TENANT_VERSION_CONFLICT',
  'USER_ACCOUNT_TAKEN',
  'USER_EMAIL_TAKEN',
  'USER_IN_USE',
  'USER_INVALID',
  'USER_LAST_OWNER',
  'USER_NOT_FOUND',
  'USER_ROLE_FORBIDDEN',
  'USER_VERSION_CONFLICT',
] as const;

/** A code that `@tenon/tenancy` raises. */
export type TenancyErrorCode = (typeof tenancyErrorCodes)[number];

/** Makes an error of this package; the union of codes is checked at compile time. */
export function tenancyError(
  code: TenancyErrorCode,
  message: string,
  options?: CodedErrorOptions,
): CodedError<TenancyErrorCode> {
  return new CodedError(code, message, options);
}
