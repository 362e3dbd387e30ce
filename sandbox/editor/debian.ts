import { existsSync } from 'node:fs';
import { run } from '../processes.ts';
import type { Log } from '../processes.ts';

/** Whether what is missing can be installed by apt: Debian or a descendant of it, as root. */
export function canInstallDebianPackages(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
}

/** Installs Debian packages; the package lists are fetched only when the first attempt fails. Throws with apt's output. */
export async function installDebianPackages(names: readonly string[], log: Log): Promise<void> {
  log(`Installing ${names.join(', ')} with apt ...`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = (): Promise<string> => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', ...names], { env });
  try {
    await install();
  } catch {
    await run('apt-get', ['update', '-qq'], { env });
    await install();
  }
}
