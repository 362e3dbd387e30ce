import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canInstallDebianPackages } from '../../sandbox/editor/debian.ts';
import { freePort, ownGroup, stop, waitForHttp } from '../../sandbox/processes.ts';
import { eventually } from './eventually.ts';

const folder = join(import.meta.dirname, '..', '..', '.sandbox', 'prometheus');

/** A Prometheus of the PATH, or Debian's package unpacked below .sandbox; undefined, with the reason, where neither can be had. */
export function prometheusBinary(): { readonly binary: string } | { readonly reason: string } {
  const own = join(folder, 'usr', 'bin', 'prometheus');
  if (existsSync(own)) return { binary: own };
  if (spawnSync('prometheus', ['--version']).status === 0) return { binary: 'prometheus' };
  if (!canInstallDebianPackages()) return { reason: 'there is no prometheus on the PATH, and apt is not there to fetch it' };
  mkdirSync(folder, { recursive: true });
  const fetched = spawnSync('apt-get', ['download', '-qq', 'prometheus'], { cwd: folder, encoding: 'utf8' });
  const file = readdirSync(folder).find((name) => name.endsWith('.deb'));
  if (fetched.status !== 0 || file === undefined) return { reason: `apt-get download prometheus failed: ${fetched.stderr.trim()}` };
  const unpacked = spawnSync('dpkg', ['-x', file, folder], { cwd: folder, encoding: 'utf8' });
  return unpacked.status === 0 && existsSync(own) ? { binary: own } : { reason: `dpkg -x failed: ${unpacked.stderr.trim()}` };
}

export interface RunningPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a Prometheus that scrapes `target` (host:port) each second. `past`: samples that it has from before, as OpenMetrics text. */
export async function startPrometheus(binary: string, target: string, past?: string): Promise<RunningPrometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'modelswitch-prometheus-'));
  const port = await freePort();
  writeFileSync(join(dir, 'prometheus.yml'), `global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: service\n    static_configs: [{targets: ["${target}"]}]\n`);
  if (past !== undefined) {
    writeFileSync(join(dir, 'past.txt'), past);
    const made = spawnSync(binary.replace(/prometheus$/, 'promtool'), ['tsdb', 'create-blocks-from', 'openmetrics', join(dir, 'past.txt'), join(dir, 'data')], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`promtool failed: ${made.stderr}`);
  }
  const child = spawn(binary, [`--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore', ...ownGroup });
  const url = `http://127.0.0.1:${port}`;
  const end = async (): Promise<void> => {
    await stop(child);
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await waitForHttp(`${url}/-/ready`, { child, timeoutMs: 60_000 });
  } catch (error) {
    await end();
    throw error;
  }
  return { url, stop: end };
}

export interface Exporter {
  /** host:port */
  readonly target: string;
  readonly server: Server;
  /** Waits until Prometheus has what the page shows now. */
  scraped(): Promise<void>;
}

/** An exporter whose page is `text()`. */
export async function startExporter(text: () => string): Promise<Exporter> {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.setHeader('content-type', 'text/plain; version=0.0.4').end(text());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const scraped = (): Promise<void> => {
    // It asks again once it has kept what it was told before.
    const enough = asked + 2;
    return eventually(() => asked >= enough, 60_000);
  };
  return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, server, scraped };
}
