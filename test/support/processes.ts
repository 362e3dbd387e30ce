import { existsSync, readFileSync } from 'node:fs';
import { eventually } from './eventually.ts';

/** Whether a process runs: one that has ended and that nobody has asked about yet does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** The number of a process that a script writes to a file once it has started it. */
export async function startedPid(file: string): Promise<number> {
  const told = (): number => (existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0);
  await eventually(() => told() > 0, 60_000);
  return told();
}
