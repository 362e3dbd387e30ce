import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ensurePython } from '../../sandbox/python.ts';

const root = join(import.meta.dirname, '..', '..');
export const checklistFolder = join(import.meta.dirname, 'checklist');
/** CheckList as its authors wrote it, packed so that it installs (their own package wants a notebook server while it is built). */
const PACKAGE = 'checklist-pattern==0.0.11';

/** A Python with CheckList, for the bench only: without what its notebooks and its generation of texts need, which is 2 GB. */
export async function checklistPython(): Promise<string> {
  const python = await ensurePython({ venvDir: join(root, '.sandbox', 'checklist'), requirements: join(checklistFolder, 'requirements.txt') });
  if (globSync(join(dirname(dirname(python)), 'lib', '*', 'site-packages', 'checklist', 'expect.py')).some((file) => existsSync(file))) return python;
  const installed = spawnSync(python, ['-m', 'pip', 'install', '--quiet', '--no-deps', PACKAGE], { encoding: 'utf8' });
  if (installed.status !== 0) throw new Error(`${PACKAGE} cannot be installed: ${installed.stderr}`);
  return python;
}
