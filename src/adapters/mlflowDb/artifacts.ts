import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LARGEST_MLMODEL } from '../../core/models/signature.ts';

/** Where `mlflow server` keeps what it stores by itself, unless it is told otherwise: below the folder it was started in. */
const SERVED = 'mlartifacts';

/** The folder on this machine that an artifact URI names, as seen from the database; undefined when it is elsewhere. */
export function localFolder(uri: string, database: string): string | undefined {
  const home = dirname(database);
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1];
  if (scheme === undefined || isAbsolute(uri)) return resolve(home, uri);
  if (scheme === 'mlflow-artifacts') {
    // mlflow-artifacts:/1/models/..., or with a host after two slashes.
    const root = resolve(home, SERVED);
    const folder = resolve(root, uri.slice(scheme.length + 1).replace(/^\/\/[^/]*/, '').replace(/^\/+/, ''));
    return relative(root, folder).startsWith('..') ? undefined : folder;
  }
  if (scheme !== 'file') return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    // Older MLflow wrote file:./mlruns/...
    return resolve(home, uri.slice('file:'.length));
  }
}

/** The `MLmodel` file in an artifact folder, or a sentence that says why there is none. */
export async function readMlmodelFile(uri: string | undefined, database: string): Promise<{ readonly text: string } | { readonly missing: string }> {
  const folder = uri === undefined ? undefined : localFolder(uri, database);
  if (folder === undefined) return { missing: `Its files are not on this machine${uri === undefined ? '' : ` (${uri})`}, so its signature is not known.` };
  const path = resolve(folder, 'MLmodel');
  try {
    const { size } = await stat(path);
    // Larger ones are refused by whoever reads the text; what counts here is not to load them.
    return size > LARGEST_MLMODEL ? { missing: `${path} is too large to be read.` } : { text: await readFile(path, 'utf8') };
  } catch {
    return { missing: `${path} cannot be read, so its signature is not known: its files are elsewhere or were removed.` };
  }
}
