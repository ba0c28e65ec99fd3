import type { Secret } from '@tenon/core';
import type { CursorCodec, ListPage, ListRequest } from '@tenon/database';

/** A machine's key, as people see it. The key itself is shown once, at its creation, and not kept. */
export interface ApiKey {
  /** UUID version 7. */
  readonly id: string;
  readonly name: string;
  /** The 8 characters after `tnk_`, by which people recognise it. */
  readonly prefix: string;
  readonly scopes: readonly string[];
  /** Who made it: an account's id, or the name of a system task. */
  readonly createdBy: string;
  readonly createdAt: Date;
  /** Undefined: never. */
  readonly expiresAt: Date | undefined;
  /** To the minute. Undefined: never. */
  readonly lastUsedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

/** What {@link ApiKeys.create} takes. */
export interface NewApiKey {
  /** 1 to 255 characters. Trimmed. */
  readonly name: string;
  /** What it allows: 1 to 64 scopes, each 1 to 64 characters of `a-z 0-9 : . _ - *`. */
  readonly scopes: readonly string[];
  /** A moment in the future. Default: never. */
  readonly expiresAt?: Date;
}

/** What a verified key says. */
export interface ApiKeyClaims {
  readonly tenantId: string;
  readonly keyId: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Keys for machines. All but {@link ApiKeys.verify} and {@link ApiKeys.ownerOf} work in the context's tenant. */
export interface ApiKeys {
  /**
   * Makes a key. A person or machine grants only scopes that it has itself, by the context's actor.
   *
   * @throws `AUTH_INPUT_INVALID` with all problems; `AUTH_SCOPE_NOT_GRANTED` naming the scopes that the actor lacks
   */
  create(input: NewApiKey): Promise<{ readonly key: Secret; readonly apiKey: ApiKey }>;

  /**
   * A page of the tenant's keys, revoked and expired ones included; by default the newest first.
   *
   * @param request - from `apiKeyListing.parse`
   * @param cursors - writes the next page's cursor
   */
  list(request: ListRequest, cursors: CursorCodec): Promise<ListPage<ApiKey>>;

  /** One key of the tenant; `undefined` when it has none of this id. */
  get(keyId: string): Promise<ApiKey | undefined>;

  /**
   * Ends a key, at once in this process and within `sessionCheckTtlMs` in others. A key that is revoked already stays so.
   *
   * @throws `AUTH_API_KEY_NOT_FOUND`
   */
  revoke(keyId: string): Promise<void>;

  /**
   * Finds out whose key this is.
   *
   * @param key - the text that a machine sent
   * @throws `AUTH_API_KEY_INVALID` when it is malformed, unknown, revoked or expired; which of them is not told
   */
  verify(key: Secret | string): Promise<ApiKeyClaims>;

  /**
   * The tenant that a key belongs to, whichever that is; `undefined` when there is no such key. Only to tell an attempt to
   * reach another tenant's key from a typing error, after the request was answered with "not found".
   */
  ownerOf(keyId: string): Promise<string | undefined>;
}
