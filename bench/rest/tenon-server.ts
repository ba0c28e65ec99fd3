// Our side of `bench/rest.ts`: the real server, settings from the environment, as `npm start` runs it.
import { loadSettings, startServer } from '@tenon/server';

const { settings } = loadSettings(process.env);
const server = await startServer({ settings });
await server.ready;
process.send?.({ listening: server.url });
process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
