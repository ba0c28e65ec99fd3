import { connect, type Socket } from 'node:net';

/**
 * Begins a TCP connection to one address.
 *
 * Obligations: returns at once, with a socket that emits `connect` or `error`. To where it is connected is checked after it.
 */
export type Dial = (address: string, port: number) => Socket;

/** Opens the connection itself, at once and with no name in between that could be resolved again. */
export const systemDial: Dial = (address, port) => connect({ host: address, port, noDelay: true });
