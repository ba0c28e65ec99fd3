import { CodedError } from '@tenon/core';
import { CredentialMaterial, type RotationPolicy, type StoreOptions } from '@tenon/credentials';
import type { Static } from 'typebox';
import { inputInvalid } from '../../http/problem.ts';
import type { CredentialReplacement } from './credential-schemas.ts';

type Input = Static<typeof CredentialReplacement>;

/** What a body says beside the material, for the vault. It checks the policies itself. */
export function toStoreOptions(input: Input, more: Pick<StoreOptions, 'mode' | 'expectedVersion'>): StoreOptions {
  const { tags, description, policies } = input;
  const expiresAt = toMoment(input.expiresAt);
  return {
    ...more,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(tags === undefined ? {} : { tags }),
    ...(description === undefined ? {} : { description }),
    ...(policies === undefined ? {} : { policies: policies as readonly RotationPolicy[] }),
  };
}

/** The material that a body holds. */
export function toMaterial({ kind, material }: Pick<Input, 'kind' | 'material'>): CredentialMaterial {
  return new CredentialMaterial(kind, material);
}

const ISO_8601 = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** @throws `INPUT_INVALID` when the text is no time */
export function toMoment(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  const moment = new Date(text);
  if (ISO_8601.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw inputInvalid([{ path: '/expiresAt', code: 'not_a_timestamp', message: 'must be a time of ISO 8601' }]);
}

/** The failure to find a credential that a route is about. */
export function credentialMissing(id: string, scope: string): CodedError {
  return new CodedError('CREDENTIAL_NOT_FOUND', `there is no credential "${id}" in scope "${scope}"`, {
    details: { id, scope },
  });
}
