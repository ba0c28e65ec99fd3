import type { Clock } from '@tenon/core';
import type { CredentialKind } from '../kinds/define-kind.ts';
import type { MaterialMapping } from './secret-material.ts';
import { optionInvalid } from './source-error.ts';

/** What the drivers of all sources take. */
export interface CommonSourceOptions {
  /** How the source is called in messages, audit and logs, 1 to 64 of `a-z 0-9 -`. Default: the driver's name. */
  readonly name?: string;
  /** How long one request may take, its whole answer included, in milliseconds, 1 to 60,000. */
  readonly timeoutMs?: number;
  /** How long the vault may keep what it read in memory, sealed, in milliseconds, 0 to 86,400,000. Default 0: not at all. */
  readonly ttlMs?: number;
  /** What a secret is that has no field `kind` with the name of one. Default: such a secret is an error. */
  readonly kind?: CredentialKind;
  /** Makes the material out of a secret. Default: by its field `kind` or the option `kind`, the other fields being the material. */
  readonly material?: MaterialMapping;
  /** Lets secrets travel unencrypted: for servers on this machine. Default `false`. */
  readonly allowHttp?: boolean;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

const NAME = /^[a-z0-9-]{1,64}$/;

/** @throws `CREDENTIALS_OPTIONS_INVALID` */
export function sourceName(name: string): string {
  if (NAME.test(name)) return name;
  throw optionInvalid('name', 'of a source must be 1 to 64 of a-z, 0-9 and "-"');
}

/** @throws `CREDENTIALS_OPTIONS_INVALID` */
export function wholeNumber(option: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw optionInvalid(option, `must be a whole number from ${min} to ${max}`);
}

/**
 * The address of a server, checked: `https:`, or `http:` where that is allowed, without a user, a query or a fragment.
 *
 * @throws `CREDENTIALS_OPTIONS_INVALID`, without the address: it may hold a password
 */
export function serverAddress(option: string, text: string, allowHttp: boolean): URL {
  const url = URL.parse(text);
  if (url === null) throw optionInvalid(option, 'must be an address such as https://vault.example:8200');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && allowHttp)) {
    throw optionInvalid(option, 'must begin with https://: secrets would travel unencrypted. allowHttp permits that');
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw optionInvalid(option, 'must be without user, password, query and fragment');
  }
  return url;
}
