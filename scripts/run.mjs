/**
 * Runs a script of the project under the Node 24 that comes with the npm package `node`, installing the project's
 * packages first when the lock file has changed. It runs on whatever Node the machine has (>= 20), so one npm script is
 * all that a fresh machine needs: `node scripts/run.mjs [--with sandbox] <script> [arguments...]`.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const folders = [root];
while (args[0] === '--with') {
  args.shift();
  folders.push(join(root, args.shift() ?? ''));
}

function fail(message) {
  console.error(`modelswitch: ${message}`);
  process.exit(1);
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(`Node ${process.versions.node} is too old: install Node 20 or newer (https://nodejs.org), then run the command again.`);
}

/** Installs a folder's packages unless the last install here was of the same lock file. */
function install(folder) {
  const lock = join(folder, 'package-lock.json');
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex');
  const stamp = join(folder, 'node_modules', '.modelswitch-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  console.log(`Installing packages in ${folder} ...`);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const result = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit', shell: process.platform === 'win32' });
  if (result.error) fail(`npm could not be started (${result.error.message}): install npm, it comes with Node.`);
  if (result.status !== 0) fail(`npm ci failed in ${folder}: see the messages above.`);
  writeFileSync(stamp, digest);
}

for (const folder of folders) install(folder);
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
if (!existsSync(node)) fail('the npm package "node" has no binary: its install script was blocked. Allow it (npm install-scripts approve node), delete node_modules and run again.');

const child = spawn(node, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH: `${dirname(node)}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}` } });
// The child gets Ctrl-C from the terminal itself; this process only waits for its end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { if (signal !== 'SIGINT') child.kill(signal); });
child.on('exit', (code, signal) => process.exit(signal ? 1 : code ?? 1));
