import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradual } from '../../sandbox/unleash/admin.ts';
import { openRegistry } from '../../src/adapters/registries.ts';
import { readRows } from '../../src/adapters/rows/rows.ts';
import { suiteEvidence } from '../../src/core/models/evidence.ts';
import { newSuiteText } from '../../src/core/suites/newSuite.ts';
import type { VersionDetail } from '../../src/core/models/model.ts';
import type { Row } from '../../src/core/suites/model.ts';
import type { RunReport } from '../../src/core/suites/report.ts';
import { eventually } from '../support/eventually.ts';
import { freshFlag, sharedUnleash } from '../support/unleash.ts';
import { mlflowPython, runScript, sharedMlflow, type RunningMlflow } from '../support/mlflow.ts';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'src', 'cli', 'main.ts');

interface Ran { readonly code: number | null; readonly stdout: string; readonly stderr: string; readonly pid: number }

const TESTS = `data: {rows: [${[20, 50, 79, 100].map((income) => `{income: ${income}.5, late_payments: 1, name: Tom}`).join(', ')}]}
tests:
  - {id: name-blind, kind: invariance, change: {name: [Anna, Ahmed]}, tolerance: 0.001, why: names carry no risk}
  - {id: income-up, kind: directional, change: {income: {add: 10}}, expect: decrease}
  - {id: noise, kind: invariance, change: {late_payments: {jitter: {abs: 2}}}, times: 5, tolerance: 0.001}
`;

/** Processes whose command line has a text, apart from this look at them. */
function processesWith(text: string): string[] {
  return spawnSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).stdout.split('\n').filter((line) => line.includes(text) && !/^\s*\d+\s+Z/.test(line) && !line.includes('ps -eo'));
}

describe('suites by the command line', function () {
  this.timeout(900_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-suites-'));
    mkdirSync(join(folder, 'app'));
    writeFileSync(join(folder, 'app', '__init__.py'), '');
    writeFileSync(join(folder, 'app', 'models.py'), 'import math\n\ndef current(row):\n    return {"score": 1 / (1 + math.exp((row["income"] - 50) / 20)), "version": "13"}\n\ndef candidate(row):\n    return {"score": 0.5 if row["name"] == "Ahmed" else current(row)["score"], "version": "14"}\n');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function run(args: readonly string[], env: Record<string, string> = {}, onStarted: (pid: number) => void = () => undefined): Promise<Ran> {
    const child = spawn(process.execPath, [program, 'test', ...args], { cwd: folder, env: { ...process.env, MLFLOW_TRACKING_URI: undefined, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
    onStarted(child.pid ?? 0);
    return new Promise((resolve) => child.once('close', (code) => resolve({ code, pid: child.pid ?? 0, ...output })));
  }
  function write(name: string, text: string): string {
    writeFileSync(join(folder, name), text);
    return name;
  }
  const python = (): string => `subject: {candidate: {python: "app.models:candidate", version_from: $.version}, current: {python: "app.models:current", version_from: $.version}}\noutput: {score: $.score, range: [0, 1]}\n${TESTS}`;

  it('exit with 0, 1, 2, 3: passed, failed, error or configuration, inconclusive', async () => {
    write('python.mltest.yaml', python());
    const failed = await run(['python.mltest.yaml']);
    assert.equal(failed.code, 1, failed.stderr);
    assert.match(failed.stdout, /^python\.mltest\.yaml: candidate app\.models:candidate, version 14 by the answers/);
    assert.match(failed.stdout, /failed {7}name-blind: 4 of 4 failed\n {6}why: names carry no risk\n {6}python\.mltest\.yaml:5 row 0, name "Tom" -> "Ahmed": expected 0\.81\S* \(tolerance abs 0\.001\), got 0\.5 /);
    assert.equal((await run(['python.mltest.yaml', '--subject', 'current'])).code, 0);
    assert.equal((await run(['python.mltest.yaml', '--only', 'income-up'])).code, 0);
    const open = await run([write('open.mltest.yaml', python().replace(/tests:[^]*/, 'tests: [{id: a, kind: invariance, change: {name: [Tom]}}]\n'))]);
    assert.deepEqual([open.code, /inconclusive +a: 0 of 0 failed, 4 could not fail: nothing was tested/.test(open.stdout)], [3, true], open.stdout);
    const broken = await run([write('broken.mltest.yaml', 'tests: [{id: a, kind: invariance}]')]);
    assert.deepEqual([broken.code, broken.stderr], [2, 'modelswitch: broken.mltest.yaml: line 1: The test a has no rows: add data to the suite or to the test.\n']);
    assert.equal((await run(['nothing.mltest.yaml'])).code, 2);
    assert.equal((await run(['python.mltest.yaml', '--subject', 'http://127.0.0.1:1'])).code, 2);
    assert.equal((await run(['python.mltest.yaml', '--subject', 'python:app.models:nothing'])).code, 2);
    assert.equal((await run(['--no-such-option'])).code, 2);
  });

  it('write JUnit, JSON and Markdown, and compare two subjects', async () => {
    write('python.mltest.yaml', python());
    const { code, stdout } = await run(['python.mltest.yaml', '--both', '--json', 'r.json', '--junit', 'r.xml', '--markdown', 'r.md']);
    assert.equal(code, 1);
    assert.match(stdout, /candidate against current: 4 worse, 0 better, 8 the same/);
    const { verdict, runs: [report] } = JSON.parse(readFileSync(join(folder, 'r.json'), 'utf8')) as { verdict: string; runs: RunReport[] };
    assert.deepEqual([verdict, report?.suites.map(({ arm, verdict: each }) => [arm, each]), report?.regression?.worse], ['failed', [['candidate', 'failed'], ['current', 'passed']], 4]);
    const xml = spawnSync('python3', ['-c', 'import sys, xml.etree.ElementTree as e\nr = e.parse("r.xml").getroot()\nprint([(s.get("name"), s.get("tests"), s.get("failures")) for s in r], r[0][0].find("failure").text)'], { cwd: folder, encoding: 'utf8' });
    assert.match(xml.stdout, /^\[\('python\.mltest\.yaml \(candidate\)', '3', '1'\), \('python\.mltest\.yaml \(current\)', '3', '0'\)\] why: names carry no risk\nrow 0, name "Tom" -> "Ahmed"/, xml.stderr);
    assert.match(readFileSync(join(folder, 'r.md'), 'utf8'), /4 worse, 0 better, 8 the same/);
  });

  it('end at once when they are interrupted, and leave no process', async () => {
    write('app/slow.py', 'import time\n\ndef slow(row):\n    time.sleep(300)\n');
    write('slow.mltest.yaml', `subject: {python: "app.slow:slow", timeout_ms: 200000}\n${TESTS}`);
    let started = 0;
    const running = run(['slow.mltest.yaml'], {}, (pid) => { started = pid; });
    await eventually(() => processesWith('app.slow:slow').length > 0, 120_000);
    process.kill(started, 'SIGINT');
    assert.equal((await running).code, 130);
    await eventually(() => processesWith('app.slow:slow').length === 0, 30_000);
    // Killed, it cannot end anything: the runner ends by itself when its input closes.
    write('slow.mltest.yaml', `subject: {python: "app.models:current"}\noutput: {score: $.score}\n${TESTS.replace('times: 5', 'times: 1000')}  - {id: long, kind: performance, samples: 1000000, limits_ms: {p50: 1}}\n`);
    const killed = run(['slow.mltest.yaml'], {}, (pid) => { started = pid; });
    await eventually(() => processesWith('app.models:current').length > 0, 120_000);
    process.kill(started, 'SIGKILL');
    await killed;
    await eventually(() => processesWith('app.models:current').length === 0, 30_000);
  });

  it('keep credentials from addresses and programs of the repository', async () => {
    const asked = await run([write('secret.mltest.yaml', `subject: {http: "http://127.0.0.1:1/\${UNLEASH_TOKEN}"}\n${TESTS}`)], { UNLEASH_TOKEN: 'user:0123456789abcdef' });
    assert.deepEqual([asked.code, asked.stderr.includes('looks like a credential'), asked.stderr.includes('0123456789')], [2, true, false]);
    write('env.py', 'import json, os, sys\nfor line in sys.stdin:\n    print(json.dumps({"id": json.loads(line)["id"], "output": "UNLEASH_TOKEN" in os.environ}), flush=True)\n');
    const ran = await run([write('env.mltest.yaml', 'subject: {exec: [python3, env.py]}\ndata: {rows: [{a: 1}]}\ntests: [{id: a, kind: expectation, expect: {label: false}}]')], { UNLEASH_TOKEN: 'user:0123456789abcdef' });
    assert.equal(ran.code, 0, ran.stdout + ran.stderr);
  });

  describe('against MLflow', () => {
    let server: RunningMlflow;
    let interpreter: string;

    before(async function start() {
      this.timeout(900_000);
      server = await sharedMlflow();
      interpreter = await mlflowPython();
      await runScript('suite_models.py', server.url, ['suite-model']);
      write('modelswitch.yaml', `version: 1\nregistry: {mlflow: "${server.url}"}\nmodels:\n  risk: {flag: risk-v2, registered_model: suite-model, suites: [registry.mltest.yaml]}\n`);
      write('registry.mltest.yaml', `subject: {registry: candidate, timeout_ms: 60000}\noutput: {range: [0, 1]}\n${TESTS}  - {id: edges, kind: boundary, generate: from_signature, only: [zero, negative, unicode, missing], expect: {finite: true, between: [0, 1], or_error: 400}}\n`);
    });
    const detail = async (version: string): Promise<VersionDetail> => {
      const registry = openRegistry({ kind: 'mlflow', location: server.url }, { folder, credentialsFor: () => undefined, fetch: (url, init) => fetch(url, init) });
      return registry.readVersion('suite-model', version);
    };

    it('serve both versions of the registry, find the weaker one, and record the evidence there', async () => {
      const { code, stdout, stderr } = await run(['--both', '--record', '--python', interpreter]);
      assert.equal(code, 1, stdout + stderr);
      assert.match(stdout, /candidate suite-model version 2, version 2 by the registry\n {2}failed {7}name-blind/);
      assert.match(stdout, /failed {7}income-up: [12] of 4 failed/);
      assert.match(stdout, /passed {7}noise/);
      assert.match(stdout, /passed {7}edges/);
      assert.match(stdout, /current suite-model version 1, version 1 by the registry\n {2}passed {7}name-blind/);
      assert.match(stdout, /recorded at suite-model 2: failed\nrecorded at suite-model 1: passed/);
      const [bad] = suiteEvidence((await detail('2')).tags);
      assert.deepEqual([bad?.outcome, bad?.verified, bad?.version, bad?.suite, bad?.blocking, bad?.tests.failed], ['failed', true, '2', 'registry.mltest.yaml', ['name-blind', 'income-up'], 2]);
      assert.match(bad?.digest ?? '', /^sha256:[0-9a-f]{64}$/);
      assert.equal(suiteEvidence((await detail('1')).tags)[0]?.outcome, 'passed');
      assert.deepEqual(processesWith('models:/suite-model'), []);
    });

    it('stand in the way of a promotion until they passed against just that version', async () => {
      const unleash = await sharedUnleash();
      const { name: flag } = await freshFlag({ environments: { production: { strategies: (of) => [gradual(of, 5)] } } });
      const configuration = readFileSync(join(folder, 'modelswitch.yaml'), 'utf8');
      const map = (candidate: string, current: string): string => write('modelswitch.yaml', configuration.replace('flag: risk-v2', `flag: ${flag}, candidate: "${candidate}", current: "${current}"`));
      const promote = (...more: string[]): { readonly status: number | null; readonly stdout: string } => spawnSync(process.execPath, [program, 'promote', '--flag', flag, '--environment', 'production', ...more], { cwd: folder, encoding: 'utf8', env: { ...process.env, MLFLOW_TRACKING_URI: undefined, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy } });
      try {
        map('2', '1');
        const failed = promote();
        assert.deepEqual([failed.status, failed.stdout.split('\n')[0]], [6, 'blocked by suites: risk: registry.mltest.yaml failed against v2 (name-blind, income-up): look at what it says of the model.']);
        map('1', '2');
        assert.equal(promote('--dry-run').status, 0, 'evidence of version 1 opens the way');
        write('registry.mltest.yaml', `${readFileSync(join(folder, 'registry.mltest.yaml'), 'utf8')}# changed\n`);
        assert.match(promote().stdout, /^blocked by suites: risk: registry\.mltest\.yaml changed since it was run against v1: run it again\.\n/);
        const ran = await run(['registry.mltest.yaml', '--record', '--python', interpreter]);
        assert.equal(ran.code, 0, ran.stdout + ran.stderr);
        assert.equal(promote().status, 0);
        // The server tells 2 itself, by the path of a run in which nobody said which version answered.
        write('unverified.mltest.yaml', `subject: {python: "app.models:current"}\noutput: {score: $.score}\n${TESTS}`);
        write('modelswitch.yaml', readFileSync(join(folder, 'modelswitch.yaml'), 'utf8').replace('suites: [registry.mltest.yaml]', 'suites: [registry.mltest.yaml, unverified.mltest.yaml]'));
        assert.match(promote().stdout, /unverified\.mltest\.yaml was not run against v1: run it\./);
        assert.match((await run(['./unverified.mltest.yaml', '--record'])).stdout, /recorded at suite-model 1: passed, unverified/);
        assert.match(promote().stdout, /^blocked by suites: risk: unverified\.mltest\.yaml passed against v1 as modelswitch\.yaml names it; which version answered was not established\.\n/);
        assert.equal(promote('--override', 'hotfix 7').status, 0);
        assert.match(spawnSync(process.execPath, [program, 'history', '--flag', flag, '--environment', 'production'], { cwd: folder, encoding: 'utf8', env: { ...process.env, UNLEASH_URL: unleash.url, UNLEASH_TOKEN: unleash.tokens.eddy } }).stdout, /override suites: hotfix 7/);
        assert.deepEqual([(await run(['registry.mltest.yaml', '--record', '--only', 'noise'])).code], [2], 'a part of a suite is no evidence');
      } finally {
        write('modelswitch.yaml', configuration);
      }
    });

    it('begin with one from the signature of a version, which runs', async () => {
      const { signature } = await detail('1');
      write('made.mltest.yaml', newSuiteText({ model: 'risk', registered: 'suite-model', version: '1', signature, servable: true }));
      const { code, stdout, stderr } = await run(['made.mltest.yaml', '--subject', 'current', '--python', interpreter]);
      // It finds at once what nobody looked for: without an income the model answers NaN.
      assert.equal(code, 1, stdout + stderr);
      assert.match(stdout, /failed {7}edges: 1 of 20 failed\n.*row 0, income null: The score is no finite number: "NaN"\..*\n {2}passed {7}column-order.*\n {2}passed {7}name-blind.*\n {2}passed {7}income-up: 0 of 1 failed/);
    });

    it('stop serving when they are interrupted', async () => {
      let started = 0;
      const running = run(['--python', interpreter], {}, (pid) => { started = pid; });
      await eventually(() => processesWith('models:/suite-model/2').length > 1, 60_000);
      process.kill(started, 'SIGINT');
      assert.equal((await running).code, 130);
      await eventually(() => processesWith('models:/suite-model').length === 0, 30_000);
    });

    it('say why a version cannot be served', async () => {
      const { code, stderr } = await run(['--python', 'python3'], {});
      assert.equal(code, 2);
      assert.match(stderr, /suite-model version 2 cannot be served: .*No module named mlflow/);
    });
  });
});

describe('rows', () => {
  const read = async (path: string, format: 'csv' | 'jsonl' | 'parquet'): Promise<Row[]> => {
    const rows: Row[] = [];
    for await (const row of readRows(path, format, 'rows', new AbortController().signal)) rows.push(row);
    return rows;
  };

  it('are the same in CSV and Parquet as pandas writes them, whatever they are packed with', async function () {
    this.timeout(900_000);
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-rows-'));
    try {
      const made = spawnSync(await mlflowPython(), [join(root, 'test', 'support', 'writeRows.py'), folder], { encoding: 'utf8' });
      assert.equal(made.status, 0, made.stderr);
      const wanted = [
        { amount: 1.5, visits: 1, country: 'de', zip: '01234', seen: true, at: '2026-01-01T00:00:00.000Z' },
        { amount: null, visits: 2, country: 'größe, "x"\nz', zip: '99', seen: false, at: '2026-01-02T03:04:05.000Z' },
        { amount: 3, visits: '9007199254740993', country: '', zip: '5', seen: true, at: null },
      ];
      for (const compression of ['snappy', 'gzip', 'brotli', 'zstd', 'None']) assert.deepEqual(await read(join(folder, `rows-${compression}.parquet`), 'parquet'), wanted, compression);
      // CSV has no types: an empty text is null, a whole number too large a number, and there are no times.
      assert.deepEqual(await read(join(folder, 'rows.csv'), 'csv'), wanted.map((row, index) => {
        const { amount, visits, country, zip, seen } = row;
        return { amount, visits: index === 2 ? 9007199254740992 : visits, country: index === 2 ? null : country, zip, seen };
      }));
      writeFileSync(join(folder, 'a.jsonl'), '\ufeff{"a": 1}\r\n\n{"a": 2}');
      assert.deepEqual(await read(join(folder, 'a.jsonl'), 'jsonl'), [{ a: 1 }, { a: 2 }]);
      writeFileSync(join(folder, 'b.jsonl'), '{"a": 1}\n{"a": }\n');
      await assert.rejects(read(join(folder, 'b.jsonl'), 'jsonl'), { code: 'validation', message: 'rows:2: the line is not valid JSON: each line holds one row, such as {"age": 30}.' });
      writeFileSync(join(folder, 'b.csv'), 'a,b\n1,2\n3\n');
      await assert.rejects(read(join(folder, 'b.csv'), 'csv'), { code: 'validation', message: 'rows:3: 1 field, where the header has 2.' });
      writeFileSync(join(folder, 'b.parquet'), 'nothing of the kind');
      await assert.rejects(read(join(folder, 'b.parquet'), 'parquet'), /the Parquet file cannot be read/);
      await assert.rejects(read(join(folder, 'none.csv'), 'csv'), { code: 'notFound' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
