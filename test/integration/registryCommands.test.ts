import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runScript, sharedMlflow, type RunningMlflow } from '../support/mlflow.ts';
import { otherServer } from '../support/otherServer.ts';
import { registryText, type Seeded } from '../support/registryText.ts';

const program = join(import.meta.dirname, '..', '..', 'dist', 'cli', 'modelswitch.cjs');

interface Run { readonly code: number | null; readonly stdout: string; readonly stderr: string }

describe('the command line with a registry', () => {
  let server: RunningMlflow;
  let seeded: Seeded;
  let folder: string;

  before(async function start() {
    this.timeout(900_000);
    server = await sharedMlflow();
    seeded = { ...(await runScript('seed.py', server.url, ['command-fraud']) as Seeded), model: 'command-fraud' };
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-commands-'));
    mkdirSync(join(folder, 'models'));
    writeFileSync(join(folder, 'models', 'registry.yaml'), registryText(seeded));
    writeFileSync(join(folder, 'features.yaml'), 'version: 1\napplication: {version: "2.3"}\nfeatures:\n  - {name: amount, type: double}\n  - {name: age, type: float}\n  - {name: country, type: string}\noutputs: [{name: score, type: double}]\n');
    configure(`{mlflow: "${server.url}"}`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function configure(registry: string): void {
    writeFileSync(join(folder, 'modelswitch.yaml'), `version: 1\n${registry === '' ? '' : `registry: ${registry}\n`}models:\n  fraud: {flag: fraud-v2, registered_model: command-fraud, candidate: challenger, contract: features.yaml}\n`);
  }
  function run(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
    const child = spawn(process.execPath, [program, ...args], { cwd: folder, env: { ...process.env, MLFLOW_TRACKING_URI: undefined, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
  }
  const json = async (...args: string[]): Promise<unknown> => {
    const { code, stdout, stderr } = await run([...args, '--json']);
    assert.ok(code === 0 || code === 1, stderr);
    return JSON.parse(stdout);
  };

  for (const [name, option] of [['MLflow, named by modelswitch.yaml', () => []], ['mlflow.db', () => ['--registry', `sqlite:///${server.database}`]], ['a registry file', () => ['--registry', 'models/registry.yaml']]] as const) {
    it(`lists, compares and checks the same in ${name}`, async () => {
      const models = await json('models', ...option()) as { name: string; latestVersion: string }[];
      assert.equal(models.find((each) => each.name === 'command-fraud')?.latestVersion, '4');
      const versions = await json('models', '--model', 'fraud', ...option()) as { version: string; aliases: string[]; status: string }[];
      assert.deepEqual(versions.map(({ version, aliases, status }) => `${version} ${status} ${aliases.join()}`), ['4 ready ', '3 ready ', '2 ready challenger', '1 ready champion']);

      const { changes, versions: both } = await json('compare', 'fraud', 'champion', '2', ...option()) as { changes: { part: string; name: string; from?: string; to?: string }[]; versions: { metrics: Record<string, unknown> }[] };
      assert.deepEqual(changes.filter(({ part }) => part !== 'artifact').map(({ part, name: what, from, to }) => `${part} ${what}: ${from ?? ''} -> ${to ?? ''}`), [
        'parameter C: 1.0 -> 0.5',
        'metric auc: 0.91 -> 0.905',
        `data train (training): ${seeded.versions['1'].digest} -> ${seeded.versions['2'].digest}`,
        'input visits:  -> long',
        `code commit: ${'a'.repeat(40)} -> ${'b'.repeat(40)}`,
      ]);
      assert.deepEqual(both.map(({ metrics }) => [metrics['loss'], metrics['peak'], metrics['low']]), [['NaN', 'Infinity', '-Infinity'], ['NaN', 'Infinity', '-Infinity']]);

      const checked = await run(['check', '--json', ...option()]);
      const { contracts: [result], lock } = JSON.parse(checked.stdout) as { contracts: { verdict: string; version: string; reasons: { message: string; line: number }[] }[]; lock: unknown };
      assert.equal(lock, null);
      assert.deepEqual([checked.code, result?.verdict, result?.version], [1, 'needs application', '2'], checked.stderr);
      assert.deepEqual(result?.reasons.map(({ message, line }) => `${line} ${message}`), ['2 needs application >= 2.4, the contract is of 2.3', '3 column visits (long) is missing']);
      const champion = await run(['check', '--version', 'champion', ...option()]);
      assert.deepEqual([champion.code, champion.stdout], [0, 'fraud 1: compatible\n']);
    });
  }

  it('never calls a version without a signature compatible', async () => {
    const { code, stdout } = await run(['check', '--version', '3']);
    assert.equal(code, 1);
    assert.match(stdout, /^fraud 3: unknown: The model was logged without a signature\.\n {2}features\.yaml:3:1 /);
  });

  it('asks MLFLOW_TRACKING_URI, then models/registry.yaml, when nothing is named', async () => {
    configure('');
    try {
      assert.match((await run(['models'], { MLFLOW_TRACKING_URI: server.url })).stdout, /command-fraud\tlatest 4\t/);
      assert.match((await run(['models'])).stdout, /^.*模型.*\tlatest 1\tgrößte 1\n/);
    } finally {
      configure(`{mlflow: "${server.url}"}`);
    }
  });

  it('sends no credential to an address that only a file names', async () => {
    const other = await otherServer();
    configure(`{mlflow: "${other.origin}"}`);
    try {
      const credentials = { MLFLOW_TRACKING_URI: server.url, MLFLOW_TRACKING_TOKEN: 'secret-token' };
      const refused = await run(['models'], credentials);
      assert.deepEqual([refused.code, other.requests()], [2, 0]);
      assert.match(refused.stderr, /names the registry .* but MLFLOW_TRACKING_URI is .* nothing was sent/);
      assert.ok(!refused.stderr.includes('secret-token'));
    } finally {
      other.close();
      configure(`{mlflow: "${server.url}"}`);
    }
  });

  const failures: readonly { name: string; args: string[]; registry?: string; code: number; says: RegExp }[] = [
    { name: 'an unknown model', args: ['models', '--model', 'nowhere'], code: 1, says: /nowhere/ },
    { name: 'an unknown version', args: ['compare', 'fraud', '1', '99'], code: 1, says: /99/ },
    { name: 'a missing operand', args: ['compare', 'fraud', '1'], code: 2, says: /V2 is missing/ },
    { name: 'a registry that is none', args: ['models', '--registry', 'nowhere'], code: 2, says: /--registry takes/ },
    { name: 'a server that is away', args: ['models', '--registry', 'http://127.0.0.1:1'], code: 5, says: /cannot be reached/ },
    { name: 'a wrong registry section', args: ['models'], registry: '{mlflow: "ftp://x"}', code: 2, says: /modelswitch\.yaml:2: registry\.mlflow must start with http/ },
    { name: 'a registry with credentials in its address', args: ['models'], registry: '{mlflow: "http://me:pw@m.example"}', code: 2, says: /modelswitch\.yaml:2: .*credentials/ },
    { name: 'a missing contract', args: ['check', '--contract', 'nowhere.yaml'], code: 2, says: /nowhere\.yaml cannot be read/ },
    { name: 'a contract that is none', args: ['check', '--contract', 'models/registry.yaml'], code: 2, says: /models\/registry\.yaml: / },
    { name: 'nothing to check', args: ['check', '--model', 'nowhere'], code: 2, says: /Nothing to check/ },
  ];
  for (const { name, args, registry, code, says } of failures) {
    it(`says what is wrong: ${name}`, async () => {
      if (registry !== undefined) configure(registry);
      try {
        const failed = await run(args);
        assert.deepEqual([failed.code, says.test(failed.stderr), failed.stderr.includes('pw@')], [code, true, false], failed.stdout + failed.stderr);
      } finally {
        configure(`{mlflow: "${server.url}"}`);
      }
    });
  }
});
