import { Secret } from '@tenon/core';
import type { SlotCredential } from '../../credentials/credential-slots.ts';
import { resourceError, type ResourceError } from '../../errors.ts';
import { isLoopback } from '../plain-connection.ts';
import type { FullSqlSettings } from './sql-settings.ts';
import { passwordIn } from './sql-url.ts';

/** Where to connect, and as whom. */
export interface SqlTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret | undefined;
  readonly tls: { readonly mode: 'disable' | 'require' | 'verify-full'; readonly ca: string | undefined };
}

const MODES = ['disable', 'require', 'verify-full'] as const;

/**
 * Puts together where to connect: the credential wins over the settings, and these over their URL.
 *
 * @param login - a credential of the kind `basic` or `database`
 * @throws `RESOURCE_CONFIGURATION_INVALID` without a user, for an unknown `sslmode`, and for a password in a URL beside a credential
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
  const host = text('host') ?? settings.host ?? bareHost(url);
  const user = text('username') ?? settings.user ?? decoded(url?.username);
  if (user === undefined) throw invalid(resource, 'has no user: give "user", a url with one, or a credential');
  return {
    host,
    port: typeof value['port'] === 'number' ? value['port'] : (settings.port ?? portOf(url) ?? standardPort),
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

function bareHost(url: URL | undefined): string {
  const host = decoded(url?.hostname.replaceAll(/[[\]]/g, '')) ?? url?.searchParams.get('host') ?? undefined;
  return host ?? 'localhost';
}

const portOf = (url: URL | undefined): number | undefined =>
  url === undefined || url.port === '' ? undefined : Number(url.port);

function invalid(resource: string, problem: string): ResourceError {
  return resourceError('RESOURCE_CONFIGURATION_INVALID', `database "${resource}" ${problem}`, {
    details: { resource },
  });
}
