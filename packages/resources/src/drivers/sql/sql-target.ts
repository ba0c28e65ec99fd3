import { Secret } from '@tenon/core';
import type { SlotCredential } from '../../credentials/credential-slots.ts';
import { resourceError, type ResourceError } from '../../errors.ts';
import { isLoopback } from '../plain-connection.ts';
import type { FullSqlSettings } from './sql-settings.ts';
import { passwordIn } from './sql-url.ts';

/** Where to connect, and as whom. */
export interface SqlTarget {
  /** Its name, for its certificate and for people. */
  readonly host: string;
  /** Where to connect instead: an address of the host, which has been checked. */
  readonly address?: string;
  /** Whether the credential alone says where. */
  readonly isChosen: boolean;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly tls: { readonly mode: 'disable' | 'require' | 'verify-full'; readonly ca: string | undefined };
}

const MODES = ['disable', 'require', 'verify-full'] as const;

/**
 * Puts together where to connect: settings win over their URL. Whom to log in as is up to the credential; where to is up to the settings, as the
 * credential may be a tenant's, and is up to the credential only where they say nothing.
 *
 * @param login - a credential of the kind `basic` or `database`
 * @throws `RESOURCE_CONFIGURATION_INVALID` without a user, for an unknown `sslmode`, and for a password in a URL beside a credential;
 *   `RESOURCE_CREDENTIAL_MISMATCH` when the credential is for another host or port
 */
export function resolveTarget(
  resource: string,
  settings: FullSqlSettings,
  login: SlotCredential | undefined,
  standardPort: number,
): SqlTarget {
  const url = settings.url === undefined ? undefined : new URL(settings.url);
  const inUrl = settings.url === undefined ? undefined : passwordIn(settings.url);
  if (login !== undefined && inUrl !== undefined) {
    throw invalid(
      resource,
      'has a password in its url and a credential in its slot "login": take the one out of the url',
    );
  }
  const value: Readonly<Record<string, unknown>> = { ...login?.value };
  const text = (name: string): string | undefined => (typeof value[name] === 'string' ? value[name] : undefined);
  const [named, chosen] = [settings.host ?? hostIn(url), text('host')];
  const [port, chosenPort] = [settings.port ?? portOf(url), value['port']];
  const host = named ?? chosen ?? 'localhost';
  const isOther = chosen !== undefined && chosen.toLowerCase() !== host.toLowerCase();
  if (isOther || (typeof chosenPort === 'number' && port !== undefined && chosenPort !== port))
    throw otherPlace(resource);
  const user = text('username') ?? settings.user ?? decoded(url?.username);
  if (user === undefined) throw invalid(resource, 'has no user: give "user", a url with one, or a credential');
  return {
    host,
    isChosen: named === undefined && chosen !== undefined,
    port: port ?? (typeof chosenPort === 'number' ? chosenPort : standardPort),
    database: text('database') ?? settings.database ?? decoded(url?.pathname.slice(1)) ?? user,
    user,
    password: login?.secret ?? (inUrl === undefined ? undefined : new Secret(inUrl)),
    tls: { mode: modeOf(resource, settings, url, host), ca: settings.tls?.ca },
  };
}

function modeOf(
  resource: string,
  settings: FullSqlSettings,
  url: URL | undefined,
  host: string,
): SqlTarget['tls']['mode'] {
  if (settings.tls?.mode !== undefined) return settings.tls.mode;
  const asked = url?.searchParams.get('sslmode') ?? undefined;
  if (asked === undefined) return isLoopback(host) && settings.tls?.ca === undefined ? 'disable' : 'verify-full';
  const mode = MODES.find((one) => one === asked);
  if (mode === undefined) throw invalid(resource, `has a url with an sslmode that is none of ${MODES.join(', ')}`);
  return mode;
}

const decoded = (part: string | undefined): string | undefined =>
  part === undefined || part === '' ? undefined : decodeURIComponent(part);

const hostIn = (url: URL | undefined): string | undefined =>
  decoded(url?.hostname.replaceAll(/[[\]]/g, '')) ?? url?.searchParams.get('host') ?? undefined;

const portOf = (url: URL | undefined): number | undefined =>
  url === undefined || url.port === '' ? undefined : Number(url.port);

function otherPlace(resource: string): ResourceError {
  return resourceError(
    'RESOURCE_CREDENTIAL_MISMATCH',
    `the credential in slot "login" of database "${resource}" is for another host or port than its settings name: store the right one, or take host and port out of the settings, so that the credential alone says where`,
    { details: { resource, slot: 'login' } },
  );
}

function invalid(resource: string, problem: string): ResourceError {
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `database "${resource}" ${problem}`, {
    details: { resource },
  });
}
