/** Who wants to know what others have changed. */
export interface InvalidationListener {
  /** A credential was changed, here or elsewhere. @param key - its text form */
  changed(key: string): void;
  /** Messages may have been lost, for example while a connection was down: nothing that is remembered can be trusted. */
  missed(): void;
}

/**
 * Tells all processes on the same storage which credentials have changed, so that their caches forget them.
 *
 * Obligations of a driver: what is published reaches every subscriber that is connected; a subscriber that may have missed something is told
 * so by `missed` before it hears anything further; publishing never throws and never waits.
 */
export interface CacheInvalidation {
  publish(key: string): void;
  /** @returns ends the subscription */
  subscribe(listener: InvalidationListener): () => void;
}

/** An invalidation over a connection of its own. It is made when first used, and again whenever it breaks. */
export interface ConnectedInvalidation extends CacheInvalidation {
  /**
   * Connects, and waits until what others publish is heard.
   *
   * @param signal - gives the waiting up
   * @throws `CREDENTIAL_ABORTED` after the signal; `CREDENTIALS_CLOSED` when it is or has been closed
   */
  ready(signal?: AbortSignal): Promise<void>;
  /** Sends what others have not been told yet, for so long as one step may take, and lets go of the connection. Idempotent. */
  close(): Promise<void>;
}
