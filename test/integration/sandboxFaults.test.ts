import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { canListen, SandboxError } from '../../sandbox/processes.ts';
import { ensurePython } from '../../sandbox/python.ts';
import { packagedBinaries, place, startPostgres } from '../../sandbox/unleash/postgres.ts';
import { removeUnleashData, startUnleash } from '../../sandbox/unleash/start.ts';
import { startWorld } from '../../sandbox/world.ts';
import { template } from '../../sandbox/workspace.ts';
import { eventually } from '../support/eventually.ts';

const isRoot = process.getuid?.() === 0;
const isDebian = existsSync('/etc/debian_version');

/** An ended process that its new parent has not yet collected still takes signals, but does nothing any more. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const status = `/proc/${pid}/stat`;
    return !existsSync(status) || !/\) Z /.test(readFileSync(status, 'utf8'));
  } catch {
    return false;
  }
}

/** The process id in PostgreSQL's first message; 0 when it is not there. */
function postgresPid(output: string): number {
  return Number(/\[(\d+)\] LOG: {2}starting PostgreSQL/.exec(output)?.[1] ?? 0);
}

describe('faults of the sandbox', function () {
  this.timeout(120_000);

  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-faults-'));
    chmodSync(dir, 0o711);
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** A folder with one program, as the whole PATH. */
  function path(name: string, script: string): NodeJS.ProcessEnv {
    const folder = join(dir, 'bin');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return { PATH: folder };
  }
  const python = (env: NodeJS.ProcessEnv): Promise<string> => ensurePython({ venvDir: join(dir, 'venv'), requirements: join(template, 'requirements.txt'), env });
  const named = (...patterns: RegExp[]) => (error: unknown): boolean => error instanceof SandboxError && patterns.every((pattern) => pattern.test(error.message));

  describe('Python', () => {
    it('that is missing is named with the mend', async () => {
      await assert.rejects(python({ PATH: join(dir, 'nothing') }), named(/needs Python 3\.10 or newer, and there is no `python3` on the PATH/, /install it/));
    });

    it('that is too old is named with its version', async () => {
      await assert.rejects(python(path('python3', 'echo /usr/bin/python3; echo 3.8.10; echo True')), named(/\/usr\/bin\/python3 is 3\.8\.10/, /install it/));
    });

    it('without venv is mended by apt as root on Debian, else named with the mend', async () => {
      const env = path('python3', 'echo python3; echo 3.12.4; echo False');
      path('apt-get', `echo "$@" >> ${join(dir, 'apt.log')}; echo no such package; exit 100`);
      await assert.rejects(python(env), named(/its modules venv and ensurepip are missing/, isRoot && isDebian ? /apt could not install python3\.12-venv: [^]*no such package/ : /install it/));
      assert.equal(existsSync(join(dir, 'apt.log')), isRoot && isDebian);
    });

    it('whose packages can not be installed is named, and tried again the next time', async () => {
      const requirements = join(dir, 'requirements.txt');
      writeFileSync(requirements, 'modelswitch-has-no-such-package==1.0\n');
      const options = { venvDir: join(dir, 'venv'), requirements, env: { ...process.env, PIP_NO_INDEX: '1' } };
      for (let time = 0; time < 2; time += 1) await assert.rejects(ensurePython(options), named(/could not be installed .*requirements\.txt/, /modelswitch-has-no-such-package/));
    });
  });

  describe('PostgreSQL', () => {
    it('whose install script was blocked is named with the mend', async () => {
      const binaries = join(dir, 'native');
      mkdirSync(join(binaries, 'bin'), { recursive: true });
      cpSync(join(packagedBinaries(), 'bin'), join(binaries, 'bin'), { recursive: true });
      await assert.rejects(startPostgres({ cluster: join(dir, 'data'), binaries }, 'secret', () => undefined), named(/does not run/, /npm rebuild/));
    });

    it('runs outside of a folder that its system user may not enter, and stays there', async () => {
      const home = join(dir, 'home');
      mkdirSync(home, { mode: 0o700 });
      const native = join(home, 'native');
      cpSync(packagedBinaries(), native, { recursive: true, verbatimSymlinks: true });
      const placement = place(home, undefined, native);
      try {
        assert.equal(placement.fallback !== undefined, isRoot);
        if (isRoot) assert.ok(!placement.cluster.startsWith(dir) && !placement.binaries.startsWith(dir), JSON.stringify(placement));
        const postgres = await startPostgres(placement, 'secret', () => undefined);
        assert.ok(!await canListen(postgres.port));
        await postgres.stop();
        assert.ok(await canListen(postgres.port));
        assert.deepEqual(place(home, placement, native), placement);
      } finally {
        if (placement.fallback !== undefined) rmSync(placement.fallback, { recursive: true });
      }
    });
  });

  describe('Unleash', () => {
    it('on a port that is taken is refused', async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      await assert.rejects(startUnleash({ dataDir: join(dir, 'unleash'), port }), named(new RegExp(`Port ${port} of 127\\.0\\.0\\.1 is taken`)));
      server.close();
    });

    it('with a broken state file is named with the mend', async () => {
      const dataDir = join(dir, 'unleash');
      mkdirSync(dataDir);
      writeFileSync(join(dataDir, 'unleash.json'), '{"adminToken": 7}');
      await assert.rejects(startUnleash({ dataDir }), named(/unleash\.json can't be read: delete the folder/));
      writeFileSync(join(dir, 'state.json'), '{');
      await assert.rejects(startWorld({ dir, log: () => undefined }), named(/state\.json can't be read .*delete that file/));
    });

    it('given up while starting leaves nothing behind', async () => {
      const dataDir = join(dir, 'unleash');
      const abort = new AbortController();
      const lines: string[] = [];
      const starting = startUnleash({
        dataDir, signal: abort.signal,
        log: (line) => { lines.push(line); abort.abort(new Error('enough')); },
      });
      await assert.rejects(starting, /enough/);
      const { pid } = JSON.parse(readFileSync(join(dataDir, 'unleash.json'), 'utf8')) as { pid: number };
      const postgres = postgresPid(lines.join('\n'));
      assert.ok(postgres > 0 && !isAlive(postgres) && !isAlive(pid));
      removeUnleashData(dataDir);
    });

    for (const victim of ['parent', 'server'] as const) {
      it(`ends with its database when the ${victim} is killed, and starts again on the same data`, async () => {
        const dataDir = join(dir, 'unleash');
        const script = `
          const { startUnleash } = await import(${JSON.stringify(new URL('../../sandbox/unleash/start.ts', import.meta.url).href)});
          await startUnleash({ dataDir: ${JSON.stringify(dataDir)}, log: (line) => console.log(line) });
          console.log('started');
          setInterval(() => {}, 1000);`;
        const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
        let postgres = 0;
        for await (const line of createInterface({ input: parent.stdout })) {
          postgres ||= postgresPid(line);
          if (line === 'started') break;
        }
        const state = JSON.parse(readFileSync(join(dataDir, 'unleash.json'), 'utf8')) as { pid: number; port: number; adminToken: string };
        assert.ok(isAlive(postgres) && isAlive(state.pid));
        process.kill(victim === 'parent' ? parent.pid! : state.pid, 'SIGKILL');
        await eventually(() => !isAlive(postgres) && !isAlive(state.pid), 30_000);
        assert.ok(await canListen(state.port));
        parent.kill('SIGKILL');
        const again = await startUnleash({ dataDir });
        assert.equal(again.adminToken, state.adminToken);
        await again.stop();
        removeUnleashData(dataDir);
      });
    }

    it('keeps its secrets to its owner', async () => {
      const dataDir = join(dir, 'unleash');
      const unleash = await startUnleash({ dataDir });
      await unleash.stop();
      assert.equal(statSync(join(dataDir, 'unleash.json')).mode & 0o077, 0);
      removeUnleashData(dataDir);
    });
  });

  it('git that is missing is named with the mend', async () => {
    const { prepareWorkspace } = await import('../../sandbox/workspace.ts');
    const before = process.env['PATH'];
    process.env['PATH'] = join(dir, 'nothing') + delimiter;
    try {
      await assert.rejects(prepareWorkspace(join(dir, 'workspace'), { unleash: 'http://127.0.0.1:1', mlflow: 'http://127.0.0.1:2' }, undefined), named(/no `git` on the PATH: install it/));
    } finally {
      process.env['PATH'] = before;
    }
  });
});
