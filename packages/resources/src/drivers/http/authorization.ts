import type { SlotCredential } from '../../credentials/credential-slots.ts';
import { resourceError } from '../../errors.ts';

/** The kinds of credential that make a header. */
export const authorizationKinds: readonly string[] = Object.freeze(['api-key', 'basic', 'bearer', 'oauth2']);

/** The credential of an HTTP client, as the header that it is sent in. */
export interface Authorization {
  /** The name of the header, in lower case. */
  readonly header: string;
  /** Makes the header from the credential of now. Say when the request that carries it has been answered, or has failed. */
  begin(): { readonly headers: Readonly<Record<string, string>>; end(): void };
  /**
   * Takes another credential, for every request that begins from now on. Resolves when none that carries an earlier one is under way.
   *
   * @throws `RESOURCE_CREDENTIAL_MISMATCH` when it cannot be sent in a header; the earlier one stays then
   */
  replace(credential: SlotCredential, signal: AbortSignal): Promise<void>;
}

/** One credential, and the requests under way that carry it. */
interface Current {
  readonly credential: SlotCredential;
  readonly header: string;
  readonly isIdle: PromiseWithResolvers<void>;
  uses: number;
}

/**
 * Makes the header of a credential.
 *
 * @param apiKeyHeader - for the kind `api-key`
 * @throws `RESOURCE_CREDENTIAL_MISMATCH` when it cannot be sent in a header
 */
export function createAuthorization(resource: string, credential: SlotCredential, apiKeyHeader: string): Authorization {
  const take = (next: SlotCredential): Current => {
    checkValue(resource, next);
    const header = next.kind === 'api-key' ? apiKeyHeader.toLowerCase() : 'authorization';
    return { credential: next, header, isIdle: Promise.withResolvers<void>(), uses: 0 };
  };
  let current = take(credential);
  const earlier = new Set<Current>();

  return {
    get header() {
      return current.header;
    },
    begin() {
      const carried = current;
      carried.uses += 1;
      return {
        headers: { [carried.header]: headerValue(carried.credential) },
        end() {
          carried.uses -= 1;
          if (carried.uses > 0 || carried === current) return;
          earlier.delete(carried);
          carried.isIdle.resolve();
        },
      };
    },
    async replace(next, signal) {
      const before = current;
      current = take(next);
      if (before.uses > 0) earlier.add(before);
      await settled(
        [...earlier].map(({ isIdle }) => isIdle.promise),
        signal,
      );
    },
  };
}

/** Waits for all, no longer than the signal lets it. */
async function settled(waits: readonly Promise<void>[], signal: AbortSignal): Promise<void> {
  if (waits.length === 0 || signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([Promise.all(waits), promise]);
  signal.removeEventListener('abort', stop);
}

function headerValue({ kind, secret, value }: SlotCredential): string {
  if (kind === 'api-key') return secret.reveal();
  if (kind === 'basic') {
    // RFC 7617.
    const { username } = value as { readonly username: string };
    return `Basic ${Buffer.from(`${username}:${secret.reveal()}`).toString('base64')}`;
  }
  const { tokenType = 'Bearer' } = value as { readonly tokenType?: string };
  // Its name is the same in any case (RFC 9110, section 11.1), but many servers know only this one.
  return `${/^bearer$/i.test(tokenType) ? 'Bearer' : tokenType} ${secret.reveal()}`;
}

function checkValue(resource: string, credential: SlotCredential): void {
  const { username = '' } = credential.value as { readonly username?: string };
  const isSendable = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(headerValue(credential));
  if (isSendable && (credential.kind !== 'basic' || !username.includes(':'))) return;
  throw resourceError(
    'RESOURCE_CREDENTIAL_MISMATCH',
    `the credential in slot "authorization" of resource "${resource}" cannot be sent in a header: it holds what a header cannot`,
    { details: { resource, slot: 'authorization', kind: credential.kind } },
  );
}
