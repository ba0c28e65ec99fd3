import { isIP, type Socket } from 'node:net';
import { connect, type SecureVersion, type TLSSocket } from 'node:tls';

/** What {@link EgressOptions} may say about TLS. Certificates are always verified, by the name in the URL. */
export interface EgressTls {
  /**
   * Certificates of the authorities to trust, PEM, instead of those that Node.js brings; add `tls.rootCertificates` to keep them.
   */
  readonly ca?: string | readonly string[];
  /** Certificate chain to show to servers that ask for one, PEM. */
  readonly cert?: string;
  /** Private key of `cert`, PEM. */
  readonly key?: string;
  /** Lowest version to speak. Default: `'TLSv1.2'`. */
  readonly minVersion?: Extract<SecureVersion, 'TLSv1.2' | 'TLSv1.3'>;
}

/**
 * Speaks TLS on a connected socket. Certificate and server name are those of `hostname`, whatever address was connected to.
 *
 * @throws the error of the handshake, or the signal's reason; the socket is destroyed then
 */
export function secureSocket(
  socket: Socket,
  hostname: string,
  { ca, cert, key, minVersion = 'TLSv1.2' }: EgressTls,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      host: hostname,
      // An address is no server name (RFC 6066, section 3); the certificate is compared with `host` then.
      ...(isIP(hostname) === 0 ? { servername: hostname } : {}),
      ...(ca === undefined ? {} : { ca: typeof ca === 'string' ? ca : [...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      minVersion,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
    });
    const stop = (): void => fail(signal.reason);
    const fail = (error: unknown): void => {
      signal.removeEventListener('abort', stop);
      secured.destroy();
      socket.destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error('the connection was closed during the handshake'));
    secured.on('error', fail);
    secured.once('close', closed);
    secured.once('secureConnect', () => {
      signal.removeEventListener('abort', stop);
      secured.removeListener('close', closed);
      resolve(secured);
    });
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
