import type { Socket } from 'node:net';
import type { Clock, Logger } from '@tenon/core';
import { egressError } from '../errors.ts';
import { checkAddress } from '../policy/check-address.ts';
import { addressForbidden, type EgressTarget } from '../policy/check-url.ts';
import type { EgressPolicy } from '../policy/egress-policy.ts';
import type { RequestLife } from '../request/request-life.ts';
import type { Dial } from './dial.ts';
import { raceAddresses, type DialledSocket } from './race-addresses.ts';
import { secureSocket, type EgressTls } from './secure-socket.ts';

/** A connection to an address that has passed the policy; for https, the handshake is done. */
export interface CheckedSocket {
  readonly socket: Socket;
  /** The address at the other end, as the socket itself says. */
  readonly remoteAddress: string;
}

/** What {@link openCheckedSocket} needs. */
export interface SocketParts {
  readonly policy: EgressPolicy;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dial: Dial;
  readonly tls: EgressTls;
  readonly connectTimeoutMs: number;
  readonly attemptDelayMs: number;
}

/**
 * Connects to one of the checked addresses of a target, and to nothing else.
 *
 * @throws `EGRESS_CONNECT_FAILED`, `EGRESS_TLS_FAILED`, `EGRESS_ADDRESS_FORBIDDEN` when the socket has ended up elsewhere, or the
 *   reason for which the request's life has ended
 */
export async function openCheckedSocket(
  target: EgressTarget,
  addresses: readonly string[],
  parts: SocketParts,
  life: RequestLife,
): Promise<CheckedSocket> {
  const limit = life.limit('connect', parts.connectTimeoutMs);
  try {
    const dialled = await dialOne(target, addresses, parts, life);
    const remoteAddress = checkRemote(target, dialled, parts);
    if (target.scheme === 'http') return { socket: dialled.socket, remoteAddress };
    return { socket: await secure(target, dialled.socket, parts, life), remoteAddress };
  } finally {
    limit.cancel();
  }
}

async function dialOne(
  { hostname, port }: EgressTarget,
  addresses: readonly string[],
  { dial, clock, attemptDelayMs }: SocketParts,
  life: RequestLife,
): Promise<DialledSocket> {
  try {
    return await raceAddresses({ addresses, port, dial, clock, attemptDelayMs, signal: life.signal });
  } catch (error) {
    life.signal.throwIfAborted();
    throw connectFailed(hostname, error);
  }
}

/** The socket must be where it was sent: a table of routes, a proxy or a resolver of its own may have led it elsewhere. */
function checkRemote({ hostname }: EgressTarget, { socket, address }: DialledSocket, parts: SocketParts): string {
  const remote = socket.remoteAddress;
  if (remote === undefined) {
    socket.destroy();
    throw connectFailed(hostname, new Error('the connection was closed at once'));
  }
  const verdict = checkAddress(remote, parts.policy, hostname);
  if (verdict.allowed && verdict.address === address) return verdict.address;
  socket.destroy();
  parts.logger.warn({ host: hostname, address, remote }, 'a connection leads to another address than the checked one');
  throw addressForbidden(hostname);
}

async function secure(target: EgressTarget, socket: Socket, { tls }: SocketParts, life: RequestLife): Promise<Socket> {
  try {
    return await secureSocket(socket, target.hostname, tls, life.signal);
  } catch (error) {
    life.signal.throwIfAborted();
    if (isBroken(error)) throw connectFailed(target.hostname, error);
    throw egressError(
      'EGRESS_TLS_FAILED',
      `the host "${target.hostname}" could not prove who it is, or speaks no TLS`,
      {
        cause: error,
        details: { host: target.hostname, reason: codeOf(error) },
      },
    );
  }
}

/** A line that breaks may hold the next time; a certificate that is wrong stays wrong. */
function isBroken(error: unknown): boolean {
  return ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'unknown'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'unknown';
}

/** That no connection was made, or none was there any more when it was needed: nothing was sent. */
export function connectFailed(hostname: string, cause: unknown): Error {
  return egressError('EGRESS_CONNECT_FAILED', `the host "${hostname}" could not be connected to`, {
    cause,
    retryable: true,
    details: { host: hostname },
  });
}
