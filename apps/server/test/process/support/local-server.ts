import { createLogger, loadSettings, startServer, type Services } from '@tenon/server';
import type { LogLine } from './server-process.ts';

/** A server in this process, for what does not take a process of its own. Disposing of it stops it. */
export interface LocalServer extends AsyncDisposable {
  readonly url: string;
  readonly services: Services;
  readonly log: readonly LogLine[];
}

/** Starts a server with these settings and waits until it is ready. */
export async function startLocalServer(settings: Readonly<Record<string, string>>): Promise<LocalServer> {
  const loaded = loadSettings(settings).settings;
  const log: LogLine[] = [];
  const destination = { write: (line: string) => void log.push(JSON.parse(line) as LogLine) };
  const server = await startServer({ settings: loaded, logger: createLogger({ level: loaded.logLevel, destination }) });
  try {
    await server.ready;
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    url: server.url ?? '',
    services: server.services,
    log,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
