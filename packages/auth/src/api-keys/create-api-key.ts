import { currentContext, requireTenant, type InputProblem, type Secret } from '@tenon/core';
import type { AuthParts } from '../auth-parts.ts';
import { authError } from '../errors.ts';
import { normalizeName } from '../accounts/normalize-name.ts';
import { inputInvalid } from '../accounts/register.ts';
import { makeApiKey } from './api-key-text.ts';
import { toApiKey } from './api-key-rows.ts';
import type { ApiKey, NewApiKey } from './api-key.ts';

const SCOPE = /^[a-z0-9:._*-]{1,64}$/;
const MAX_SCOPES = 64;

/** Makes a key in the context's tenant. */
export async function createApiKey(parts: AuthParts, input: NewApiKey): Promise<{ key: Secret; apiKey: ApiKey }> {
  const tenantId = requireTenant();
  const nowMs = parts.config.clock.now();
  const { name, scopes, expiresAt } = checkInput(input, nowMs);
  assertMayGrant(scopes);
  const { key, prefix, keyHash } = makeApiKey();
  const row = await parts.database.withTenant((tx) =>
    tx
      .insertInto('api_keys')
      .values({
        id: parts.config.newId(),
        name,
        prefix,
        key_hash: keyHash,
        scopes,
        created_by: currentContext()?.actor?.id ?? '',
        created_at: new Date(nowMs),
        expires_at: expiresAt,
      })
      .returningAll()
      .executeTakeFirstOrThrow(),
  );
  parts.events.emit({ type: 'api-key.created', tenantId, details: { keyId: row.id, prefix, scopes } });
  return { key, apiKey: toApiKey(row) };
}

interface CheckedInput {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly expiresAt: Date | null;
}

function checkInput(input: NewApiKey, nowMs: number): CheckedInput {
  const problems: InputProblem[] = [];
  const name = normalizeName(input.name);
  if (name === undefined) {
    const message = 'a name has 1 to 255 characters, and no control characters';
    problems.push({ path: '/name', code: 'invalid', message });
  }
  const given: readonly unknown[] = Array.isArray(input.scopes) ? input.scopes : [];
  const scopes = [...new Set(given)].filter((one): one is string => typeof one === 'string' && SCOPE.test(one));
  if (scopes.length !== new Set(given).size || scopes.length === 0 || scopes.length > MAX_SCOPES) {
    const message = `a key has 1 to ${MAX_SCOPES} scopes, each of 1 to 64 of a-z 0-9 : . _ - *`;
    problems.push({ path: '/scopes', code: 'invalid', message });
  }
  const expiresAtMs = input.expiresAt?.getTime();
  if (expiresAtMs !== undefined && !(expiresAtMs > nowMs)) {
    problems.push({ path: '/expiresAt', code: 'invalid', message: 'the expiry must be a moment in the future' });
  }
  if (name === undefined || problems.length > 0) throw inputInvalid(problems);
  return { name, scopes, expiresAt: input.expiresAt ?? null };
}

// Otherwise whoever may make keys could make one that may do more than they.
function assertMayGrant(scopes: readonly string[]): void {
  const actor = currentContext()?.actor;
  if (actor?.type === 'system') return;
  const missing = scopes.filter((scope) => actor?.scopes?.includes(scope) !== true);
  if (missing.length === 0) return;
  throw authError(
    'AUTH_SCOPE_NOT_GRANTED',
    'a key can only have scopes that whoever makes it has; see details.scopes',
    {
      details: { scopes: missing },
    },
  );
}
