#!/usr/bin/env node
// The `tenon` command inside this repository: any Node >= 20 starts it, the pinned Node runs it.
import { dirname, join } from 'node:path';
import { realpathSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
process.argv.splice(2, 0, 'apps/cli/src/main.ts');
await import(pathToFileURL(join(here, '..', '..', '..', 'scripts', 'bootstrap.mjs')).href);
