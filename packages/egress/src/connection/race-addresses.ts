import type { Socket } from 'node:net';
import type { Clock, Timer } from '@tenon/core';
import type { Dial } from './dial.ts';

/** A connected socket, and the address that was dialled for it. */
export interface DialledSocket {
  readonly socket: Socket;
  readonly address: string;
}

/** What {@link raceAddresses} takes. */
export interface AddressRace {
  /** At least one, in the order in which to try them. */
  readonly addresses: readonly string[];
  readonly port: number;
  readonly dial: Dial;
  readonly clock: Clock;
  /** How long one attempt goes on alone before the next begins beside it. */
  readonly attemptDelayMs: number;
  readonly signal: AbortSignal;
}

/**
 * Connects to the first address that answers. The next attempt begins when one has failed, or has taken too long; the earlier
 * ones go on, and all but the winner are destroyed ("happy eyeballs", RFC 8305, section 5).
 *
 * @throws an `AggregateError` when all have failed, or the signal's reason
 */
export function raceAddresses(race: AddressRace): Promise<DialledSocket> {
  const { addresses, port, dial, clock, attemptDelayMs, signal } = race;
  return new Promise((resolve, reject) => {
    const open = new Set<Socket>();
    const failures: unknown[] = [];
    let next = 0;
    let timer: Timer | undefined;
    const settle = (winner?: Socket): void => {
      timer?.cancel();
      signal.removeEventListener('abort', stop);
      for (const socket of open) if (socket !== winner) socket.destroy();
      open.clear();
    };
    const stop = (): void => {
      settle();
      reject(signal.reason as Error);
    };
    const attempt = (): void => {
      timer?.cancel();
      const address = addresses[next];
      if (address === undefined) return;
      next += 1;
      const socket = dial(address, port);
      open.add(socket);
      socket.once('connect', () => {
        if (!open.has(socket)) return;
        settle(socket);
        resolve({ socket, address });
      });
      // It stays: a socket that was given up may still fail, and an error that nobody hears ends the process.
      socket.on('error', (error) => {
        if (!open.delete(socket)) return;
        failures.push(error);
        if (next < addresses.length) attempt();
        else if (open.size === 0) {
          settle();
          reject(new AggregateError(failures, 'no address could be connected to'));
        }
      });
      if (next < addresses.length) timer = clock.schedule(attempt, attemptDelayMs);
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    attempt();
  });
}
