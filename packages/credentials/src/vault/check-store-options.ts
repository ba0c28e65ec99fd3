import type { InputProblem } from '@tenon/core';
import { credentialError } from '../errors.ts';
import type { CredentialKey } from '../identity/credential-key.ts';
import { policyProblems } from '../rotation/check-policies.ts';
import type { StoreOptions } from './store.ts';

const MAX_TAGS = 50;
const MAX_TAG_NAME = 128;
const MAX_TAG_VALUE = 256;
const MAX_DESCRIPTION = 1_024;

/** @throws `CREDENTIAL_INVALID` with every problem in `details.problems`, naming the credential */
export function checkStoreOptions(options: StoreOptions, { id, scope }: CredentialKey): void {
  const { mode, expectedVersion, expiresAt, description } = options;
  const problems: InputProblem[] = [
    ...tagProblems(options.tags ?? {}),
    ...policyProblems(Array.isArray(options.policies) ? options.policies : []),
  ];
  const add = (path: string, code: string, message: string): void => void problems.push({ path, code, message });
  if (mode !== undefined && !['create', 'replace', 'upsert'].includes(mode)) {
    add('/mode', 'unknown', 'must be "create", "replace" or "upsert"');
  }
  if (expectedVersion !== undefined && !(Number.isSafeInteger(expectedVersion) && expectedVersion >= 1)) {
    add('/expectedVersion', 'out_of_range', 'must be a whole number from 1');
  }
  if (expectedVersion !== undefined && mode !== 'replace') {
    add('/expectedVersion', 'without_replace', 'means something with mode "replace" alone');
  }
  if (expiresAt !== undefined && !(expiresAt instanceof Date && !Number.isNaN(expiresAt.getTime()))) {
    add('/expiresAt', 'not_a_date', 'must be a valid Date');
  }
  if (options.policies !== undefined && !Array.isArray(options.policies))
    add('/policies', 'not_a_list', 'must be a list');
  if (description !== undefined && !isText(description, MAX_DESCRIPTION)) {
    add('/description', 'not_text', `must be text of at most ${MAX_DESCRIPTION} characters without NUL`);
  }
  if (problems.length === 0) return;
  const found = problems.map(({ path, message }) => `${path.slice(1)} ${message}`).join('; ');
  throw credentialError(
    'CREDENTIAL_INVALID',
    `credential "${id}" in scope "${scope}" cannot be stored like this: ${found}`,
    {
      details: { id, scope, problems },
    },
  );
}

/** What is wrong with tags, of a credential or of a filter. */
export function tagProblems(tags: Readonly<Record<string, string>>): readonly InputProblem[] {
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags)) {
    return [{ path: '/tags', code: 'not_an_object', message: 'must be pairs of names and values' }];
  }
  const entries = Object.entries(tags);
  if (entries.length > MAX_TAGS) {
    return [{ path: '/tags', code: 'too_many', message: `must be at most ${MAX_TAGS}` }];
  }
  const isWrong = ([name, value]: [string, unknown]): boolean =>
    name === '' || name === '__proto__' || !isText(name, MAX_TAG_NAME) || !isText(value, MAX_TAG_VALUE);
  if (!entries.some(isWrong)) return [];
  const message = `must have names of 1 to ${MAX_TAG_NAME} characters and values of up to ${MAX_TAG_VALUE}, all of them text without NUL`;
  return [{ path: '/tags', code: 'invalid', message }];
}

function isText(value: unknown, maxLength: number): boolean {
  return typeof value === 'string' && value.length <= maxLength && !value.includes('\0') && value.isWellFormed();
}
