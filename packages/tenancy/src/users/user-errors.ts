import { isCodedError, type CodedError, type InputProblem } from '@tenon/core';
import { tenancyError, type TenancyErrorCode } from '../errors.ts';

/** The failure of a person's input. */
export function userInvalid(problems: readonly InputProblem[]): CodedError<TenancyErrorCode> {
  const first = problems[0];
  return tenancyError(
    'USER_INVALID',
    `the person is not valid: ${first?.path ?? ''} ${first?.message ?? ''}${problems.length > 1 ? `, and ${problems.length - 1} more` : ''}`,
    { details: { problems: problems.slice(0, 100) } },
  );
}

/** The failure to find a person. */
export function userNotFound(): CodedError<TenancyErrorCode> {
  return tenancyError('USER_NOT_FOUND', 'this tenant has no person with this id');
}

/** The failure to remove a person whom other rows refer to. */
export function userInUse(cause: unknown): CodedError<TenancyErrorCode> {
  return tenancyError('USER_IN_USE', 'other records, such as orders, belong to the person; disable them instead', {
    cause,
  });
}

/** Gives failures of the tables of people their names; everything else passes through. */
export function nameUserFailure(error: unknown): unknown {
  if (!isCodedError(error)) return error;
  const constraint = error.details['constraint'];
  if (error.code === 'DATABASE_CONFLICT' && constraint === 'users_email_unique') {
    return tenancyError('USER_EMAIL_TAKEN', 'another person of this tenant has this email', { cause: error });
  }
  if (error.code === 'DATABASE_CONFLICT' && constraint === 'users_account_unique') {
    return tenancyError('USER_ACCOUNT_TAKEN', 'the account is another person of this tenant already', { cause: error });
  }
  if (error.code === 'DATABASE_REFERENCE_MISSING' && constraint === 'users_tenant_exists') {
    return tenancyError('TENANT_NOT_FOUND', 'the tenant does not exist', { cause: error });
  }
  return error;
}
