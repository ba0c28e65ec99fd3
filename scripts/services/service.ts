/** A server that tests need, however this machine gets it. One file for each. */
export interface Service {
  /** Name in `TENON_REQUIRE_SERVICES` and in compose.yaml. */
  readonly name: string;
  /** Name for people. */
  readonly title: string;
  /** The environment variable through which tests get its address. */
  readonly variable: string;
  /** Where it answers when nothing is configured: the standard address first, then that of compose.yaml. */
  readonly addresses: readonly string[];
  /** Resolves with `undefined` when the server answers and can be used, or else with the reason why not. Never rejects. */
  probe(url: string): Promise<string | undefined>;
  /** Starts one from a program of this machine, which is installed first where that is possible. */
  start(options?: StartOptions): Promise<Start>;
}

/** What {@link Service.start} takes. */
export interface StartOptions {
  /** Folder for its data. It is kept when given; default: a temporary one that goes when the server stops. */
  readonly dataDir?: string;
  /** Whether what is acknowledged survives a crash of the machine. A killed process loses nothing either way. Default false. */
  readonly fsync?: boolean;
  /** Port on 127.0.0.1. Default: a free one. */
  readonly port?: number;
  /** Whether the server lives on after this process. Default false. */
  readonly outlive?: boolean;
}

/** A server of one's own, or why there is none. */
export type Start =
  | { readonly available: true; readonly server: PrivateServer }
  | {
      readonly available: false;
      /** Starts with the server's title, so that a test can give it to `context.skip` as it is. */
      readonly reason: string;
    };

/** A server that nobody else uses: it can be killed and restarted. */
export interface PrivateServer {
  /** Its address; it stays the same over restarts. */
  readonly url: string;
  /** Process id of the server as it runs now. */
  readonly pid: number;
  /** Further processes where it consists of several, as they run now. */
  readonly others?: readonly { readonly pid: number; readonly url: string }[];
  /** Where its data is. */
  readonly dataDir: string;
  /** Ends it with SIGKILL, as a crash would, and resolves when it is gone. The data stays for {@link PrivateServer.restart}. */
  kill9(): Promise<void>;
  /** Ends it in order, and removes its data where it is temporary. Idempotent. */
  stop(): Promise<void>;
  /** Starts it again on its port and data, after ending it where it still runs. @throws when it does not come up */
  restart(): Promise<void>;
}
