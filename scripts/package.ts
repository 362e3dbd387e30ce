/**
 * Builds for production and packs `modelswitch-<version>.vsix`: `npm run package [-- --no-build] [-- --out <file>]`.
 * The last line printed is the path of the file.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';

const root = dirname(import.meta.dirname);

export interface PackageOptions {
  /** Path of the file to write; default `modelswitch-<version>.vsix` in the project root. */
  readonly out?: string;
  /** False when `dist` already holds a production build. */
  readonly build?: boolean;
}

/** Where `packageExtension` writes unless told otherwise. */
export function defaultVsixPath(): string {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { name: string; version: string };
  return join(root, `${name}-${version}.vsix`);
}

/** Packs the extension and returns the absolute path of the `.vsix`. Throws when the build or vsce refuses. */
export async function packageExtension({ out = defaultVsixPath(), build = true }: PackageOptions = {}): Promise<string> {
  if (build) {
    const { status } = spawnSync(process.execPath, [join(root, 'esbuild.js'), '--production'], { cwd: root, stdio: 'inherit' });
    if (status !== 0) throw new Error('The production build failed: see the messages above.');
  }
  await createVSIX({
    cwd: root,
    packagePath: out,
    dependencies: false,
    // Without these two vsce asks on the terminal, and hangs, until the manifest names a repository.
    allowMissingRepository: true,
    rewriteRelativeLinks: false,
    skipLicense: !existsSync(join(root, 'LICENSE')),
  });
  return out;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' }, 'no-build': { type: 'boolean', default: false } } });
  const path = await packageExtension({ build: !values['no-build'], ...(values.out === undefined ? {} : { out: resolve(values.out) }) });
  console.log(path);
}
