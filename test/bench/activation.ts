import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInHost } from '../support/host.ts';
import type { ActivationTask, ActivationTimes } from './activationInHost.ts';
import { median } from './table.ts';
import type { BenchRow } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
const ownId = 'modelswitch.modelswitch';
const emptyId = 'modelswitch.empty';

/** Accepts connections and never answers: what waits for a request waits for ever. */
async function startSilentServer(): Promise<{ url: string; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the system gave no TCP port');
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { url: `http://127.0.0.1:${address.port}`, close };
}

async function writeEmptyExtension(folder: string): Promise<void> {
  await mkdir(folder);
  const manifest = { name: 'empty', publisher: 'modelswitch', version: '0.0.1', engines: { vscode: '^1.103.0' }, main: './main.cjs', activationEvents: ['onCommand:empty.never'] };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(folder, 'main.cjs'), 'exports.activate = () => undefined;\n');
}

/** One fresh editor: it takes one extension under development, which can be activated only once. */
async function measureOnce(unleashUrl: string, subject: 'own' | 'empty'): Promise<ActivationTimes> {
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'modelswitch-activation-'));
  const folder = join(temporary.path, 'workspace');
  const empty = join(temporary.path, 'empty');
  const output = join(temporary.path, 'times.json');
  await mkdir(folder);
  await writeEmptyExtension(empty);
  const task: ActivationTask = {
    output,
    configuration: `version: 1\nunleash: {url: "${unleashUrl}"}\n`,
    ...(subject === 'own' ? { id: ownId, main: join(root, 'dist', 'extension.cjs') } : { id: emptyId, main: join(empty, 'main.cjs') }),
  };
  const evidence = join(root, 'test-results', 'bench-activation');
  const code = await runInHost({
    testsPath: join(root, 'dist', 'test', 'bench', 'activationInHost.cjs'),
    folder,
    extension: subject === 'own' ? root : empty,
    env: { MODELSWITCH_ACTIVATION: JSON.stringify(task), UNLEASH_URL: unleashUrl, UNLEASH_TOKEN: 'user:nobody' },
    evidence,
    log: () => undefined,
  });
  if (code !== 0) throw new Error(`The activation could not be measured; the editor's logs are in ${evidence}.`);
  return JSON.parse(await readFile(output, 'utf8')) as ActivationTimes;
}

/**
 * Activation in a real extension host, connected to a server that never answers, so that an awaited request would hang
 * the run; medians of `runs` fresh editors, beside an extension that does nothing. Needs `dist` built with
 * `--production --tests`. Target from the design: `activate` synchronous and at most 50 ms.
 */
export async function benchActivation(runs = 5): Promise<BenchRow[]> {
  const server = await startSilentServer();
  const own: ActivationTimes[] = [];
  const empty: ActivationTimes[] = [];
  try {
    for (let run = 0; run < runs; run += 1) {
      own.push(await measureOnce(server.url, 'own'));
      empty.push(await measureOnce(server.url, 'empty'));
    }
  } finally {
    server.close();
  }
  const row = (name: string, field: keyof ActivationTimes, unit: string, target?: string): BenchRow => ({
    name,
    value: median(own.map((times) => times[field])),
    unit,
    baseline: { name: 'an empty extension', value: median(empty.map((times) => times[field])) },
    ...(target === undefined ? {} : { target }),
  });
  return [
    row('loading the bundle', 'load', 'ms'),
    row('the call of activate()', 'activate', 'ms', '<= 50'),
    row('until VS Code calls it active, server silent', 'active', 'ms'),
    row('requests begun inside activate()', 'requestsInside', '', '0'),
    row('requests begun in the 2 s after, none of them answered', 'requestsAfter', ''),
  ];
}
