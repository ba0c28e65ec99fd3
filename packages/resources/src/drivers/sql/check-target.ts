import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { isCodedError } from '@tenon/core';
import { checkAddress, defineEgressPolicy, type EgressPolicy, type Resolver } from '@tenon/egress';
import { resourceError, type ResourceError } from '../../errors.ts';
import type { FullSqlSettings } from './sql-settings.ts';
import type { SqlTarget } from './sql-target.ts';

const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

/**
 * Looks where a host leads that nobody but the credential has named: whoever may store it must not have the server connect to what is inside. The
 * address that was looked at is the one to connect to, so that a name that changes its mind gains nothing.
 *
 * @throws `RESOURCE_TARGET_FORBIDDEN`, `RESOURCE_CONFIGURATION_INVALID` for a range that is none, and what the resolver throws
 */
export async function checkTarget(
  resource: string,
  target: SqlTarget,
  { allowPrivate = [] }: Pick<FullSqlSettings, 'allowPrivate'>,
  options: { readonly resolver?: Resolver | undefined; readonly signal: AbortSignal },
): Promise<SqlTarget> {
  const { host, isChosen } = target;
  const policy = policyOf(resource, allowPrivate);
  if (!isChosen) return target;
  // A path is that of a socket of this machine.
  if (host.startsWith('/')) throw forbidden(resource);
  const { resolver = systemResolver, signal } = options;
  const addresses = isIP(host) === 0 ? await resolver(host, { signal }) : [host];
  const verdicts = addresses.map((address) => checkAddress(address, policy, host));
  const [first] = verdicts;
  // One that is inside refuses all: which of them answers must not decide.
  if (first?.allowed !== true || verdicts.some(({ allowed }) => !allowed)) throw forbidden(resource);
  return { ...target, address: first.address };
}

function policyOf(resource: string, allowPrivate: readonly string[]): EgressPolicy {
  try {
    return defineEgressPolicy({ allowPrivate });
  } catch (error) {
    if (!isCodedError(error, 'EGRESS_OPTIONS_INVALID')) throw error;
    throw resourceError(
      'RESOURCE_CONFIGURATION_INVALID',
      `the settings of database "${resource}" cannot be used: ${error.message}`,
      {
        details: { resource, option: 'allowPrivate' },
      },
    );
  }
}

function forbidden(resource: string): ResourceError {
  return resourceError(
    'RESOURCE_TARGET_FORBIDDEN',
    `the credential in slot "login" of database "${resource}" leads to where none may choose to connect: name the host in the settings, or the ranges that are meant in "allowPrivate"`,
    { details: { resource, slot: 'login' } },
  );
}
