import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';

/** Folders that hold other people's code or none: no call site there is a team's own. */
const SKIPPED = new Set(['node_modules', 'venv', 'env', '__pycache__', 'site-packages', 'build', 'dist']);

/**
 * Paths of the files below a folder with one of the endings, relative with forward slashes, in order. Hidden folders, installed
 * packages and links are passed over.
 * @throws AppError notFound when the folder cannot be read
 */
export async function sourceFiles(folder: string, endings: readonly string[], signal?: AbortSignal): Promise<string[]> {
  const found: string[] = [];
  const walk = async (relative: string): Promise<void> => {
    signal?.throwIfAborted();
    const entries = await readdir(join(folder, relative), { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = relative === '' ? entry.name : `${relative}/${entry.name}`;
      if (entry.isDirectory() && !SKIPPED.has(entry.name) && !entry.name.startsWith('.')) await walk(path);
      else if (entry.isFile() && endings.some((ending) => entry.name.endsWith(ending))) found.push(path);
    }
  };
  try {
    await walk('');
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw error;
    throw new AppError('notFound', `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {}, error);
  }
  return found;
}
