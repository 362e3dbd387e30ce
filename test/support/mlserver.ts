import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, logLines, ownGroup, stop, waitForHttp } from '../../sandbox/processes.ts';
import { ensurePython } from '../../sandbox/python.ts';

const root = join(import.meta.dirname, '..', '..');
const files = join(import.meta.dirname, 'mlserver');

/** A real MLServer (Seldon's server for the Open Inference Protocol) with the model of test/support/mlserver; the first use installs about 200 MB. */
export async function startMlserver(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const python = await ensurePython({ venvDir: join(root, '.sandbox', 'mlserver'), requirements: join(files, 'requirements.txt') });
  const dir = mkdtempSync(join(tmpdir(), 'modelswitch-mlserver-'));
  cpSync(files, dir, { recursive: true });
  const [port, grpc] = [await freePort(), await freePort()];
  const settings = JSON.parse(readFileSync(join(dir, 'settings.json'), 'utf8')) as object;
  writeFileSync(join(dir, 'settings.json'), JSON.stringify({ ...settings, http_port: port, grpc_port: grpc }));
  const child = spawn(python, ['-c', 'from mlserver.cli import main; main()', 'start', dir], { ...ownGroup, cwd: dir, env: process.env, stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  logLines(child, (line) => void log.push(line));
  const end = async (): Promise<void> => {
    await stop(child, 5_000);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await waitForHttp(`http://127.0.0.1:${port}/v2/models/risk/ready`, { child, timeoutMs: 120_000 });
  } catch (error) {
    await end();
    throw new Error(`MLServer did not start: ${log.slice(-15).join('\n')}`, { cause: error });
  }
  return { url: `http://127.0.0.1:${port}`, stop: end };
}
