import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { ensurePython } from '../../sandbox/python.ts';

const root = join(import.meta.dirname, '..', '..');

/** Runs the real DVC in a folder and gives what it printed; with its own settings, whatever the machine's are. Throws when it fails. */
export type Dvc = (folder: string, ...args: string[]) => string;

/** The real DVC of `sandbox/dvc/requirements.txt`, installed once per machine. */
export async function realDvc(): Promise<Dvc> {
  const python = await ensurePython({ venvDir: join(root, '.sandbox', 'dvc'), requirements: join(root, 'sandbox', 'dvc', 'requirements.txt') });
  return (folder, ...args) => {
    const { status, stdout, stderr } = spawnSync(join(dirname(python), 'dvc'), args, { cwd: folder, encoding: 'utf8', env: { ...process.env, DVC_NO_ANALYTICS: '1', DVC_SITE_CACHE_DIR: join(folder, '.dvc', 'site') } });
    if (status !== 0) throw new Error(`dvc ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  };
}
