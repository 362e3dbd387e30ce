import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { SandboxError, messageOf, run } from './processes.ts';

/** The folder that becomes the demo's workspace. */
export const template = fileURLToPath(new URL('workspace', import.meta.url));

/** Made by running the service in the template itself; not part of it. */
const generated = new Set(['__pycache__', 'cache', 'data', 'logs', 'mlruns', 'models', 'tmp', '.venv']);

function templateFiles(): string[] {
  return readdirSync(template, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.split(sep).some((part) => generated.has(part)) && statSync(join(template, path)).isFile())
    .sort();
}

/** Digest of the template's names and contents. */
export function templateDigest(): string {
  const hash = createHash('sha256');
  for (const path of templateFiles()) hash.update(path).update('\0').update(readFileSync(join(template, path)));
  return hash.digest('hex');
}

async function git(folder: string, ...args: string[]): Promise<string> {
  const identity = ['-c', 'user.name=Modelswitch demo', '-c', 'user.email=demo@example.com', '-c', 'commit.gpgsign=false', '-c', 'core.hooksPath='];
  try {
    return await run('git', [...identity, ...args], { cwd: folder });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw new SandboxError('The demo needs git, and there is no `git` on the PATH: install it (https://git-scm.com, or `apt-get install git`), then start again.');
    throw new SandboxError(`git failed in ${folder}: ${messageOf(error)}`);
  }
}

/** Commits what has changed in the workspace; nothing when nothing has. */
export async function commitAll(folder: string, message: string): Promise<void> {
  await git(folder, 'add', '--all');
  if (await git(folder, 'status', '--porcelain') !== '') await git(folder, 'commit', '--quiet', '--message', message);
}

/** Addresses of the servers that the workspace names. */
export interface Addresses { unleash: string; mlflow: string }

/** Sets the servers' addresses, keeping comments and everything else. */
function setAddresses(folder: string, { unleash, mlflow }: Addresses): void {
  const file = join(folder, 'modelswitch.yaml');
  const document = parseDocument(readFileSync(file, 'utf8'));
  if (document.getIn(['unleash', 'url']) === unleash && document.getIn(['registry', 'mlflow']) === mlflow) return;
  document.setIn(['unleash', 'url'], unleash);
  document.setIn(['registry', 'mlflow'], mlflow);
  writeFileSync(file, document.toString({ lineWidth: 0, flowCollectionPadding: false }));
}

/**
 * Makes the workspace from the template as a git repository, or brings an existing one up to date: the servers' addresses always, the files only when
 * the template has changed since `earlierDigest` (what stood there before is committed first, so nothing is lost). Gives the template's digest.
 */
export async function prepareWorkspace(folder: string, addresses: Addresses, earlierDigest: string | undefined): Promise<string> {
  const digest = templateDigest();
  if (!existsSync(join(folder, '.git'))) {
    mkdirSync(folder, { recursive: true });
    await git(folder, 'init', '--quiet', '--initial-branch=main');
  }
  if (digest !== earlierDigest) {
    await commitAll(folder, 'Work in progress');
    for (const path of templateFiles()) cpSync(join(template, path), join(folder, path));
  }
  setAddresses(folder, addresses);
  if (digest !== earlierDigest) await commitAll(folder, 'Credit service');
  return digest;
}
