import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The Python of a folder's own virtual environment; undefined where it has none. */
export function ownPython(folder: string): string | undefined {
  const path = process.platform === 'win32' ? join(folder, '.venv', 'Scripts', 'python.exe') : join(folder, '.venv', 'bin', 'python');
  return existsSync(path) ? path : undefined;
}

/** What runs where nothing else is named. */
export const DEFAULT_PYTHON = 'python3';
