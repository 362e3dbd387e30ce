import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PipelineFolder } from '../../src/adapters/dvc/pipelineFolder.ts';
import { Hasher } from '../../src/adapters/dvc/hasher.ts';
import type { StageStatus } from '../../src/core/models/pipelineState.ts';
import { realDvc, type Dvc } from '../support/dvc.ts';

/** What `dvc status --json` prints. */
type DvcStatus = Record<string, (string | Record<string, Record<string, string | Record<string, string>>>)[]>;

const PIPELINE = `
vars:
  - out: prepared
  - {rate: 1.0, tiny: 1e-5, nothing: null}
stages:
  prepare:
    cmd: mkdir -p \${out}/sub && cp raw.csv \${out}/ && cp -rL data/. \${out}/sub
    deps: [raw.csv, data, "code/prep.py"]
    outs: ["\${out}"]
  train:
    foreach: \${models}
    do:
      cmd: echo \${item} > m_\${item}.txt && echo '{}' > met_\${item}.json
      deps: ["\${out}"]
      params: [train.lr, train.layers]
      outs: ["m_\${item}.txt"]
      metrics: [{"met_\${item}.json": {cache: false}}]
  sizes:
    foreach: {small: {n: 1}, big: {n: 2.0}}
    do: {cmd: "echo \${key} \${item.n}", deps: [raw.csv]}
  grid:
    matrix: {rate: [0.5, 1.0], kind: [{name: a}, {name: b}]}
    cmd: echo \${item.rate} \${item.kind.name} \${key}
    deps: [raw.csv]
  numbers:
    cmd:
      - echo \${rate} \${tiny} \${nothing} \${train.flag}
      - echo \\\${HOME}
    deps: [raw.csv]
  below:
    wdir: code
    vars: [extra.yaml]
    cmd: echo \${depth}
    deps: [prep.py]
    params: [{../params.yaml: [train.lr]}, {../other.json: }]
  whole:
    cmd: echo whole
    params: [{params.yaml: }]
  callback: {cmd: echo again}
  always: {cmd: echo always, deps: [raw.csv], always_changed: true}
  frozen: {cmd: echo frozen, deps: [raw.csv], frozen: true}
`;

describe('pipelines, beside the real DVC', function () {
  this.timeout(300_000);
  let dvc: Dvc;
  let dir: string;
  const file = (path: string): string => join(dir, path);

  before(async () => {
    dvc = await realDvc();
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-pipeline-'));
    dvc(dir, 'init', '--no-scm', '--quiet');
    mkdirSync(file('data/deeper'), { recursive: true });
    mkdirSync(file('code'));
    writeFileSync(file('raw.csv'), 'a,b\r\n1,2\r\n');
    for (const name of ['one.csv', 'Zwei.csv', 'ü 漢 😀.csv', '￿.csv', 'deeper/"quoted"\\.csv', 'deeper/.hidden']) writeFileSync(file(`data/${name}`), name);
    symlinkSync('one.csv', file('data/link.csv'));
    symlinkSync('../code', file('data/linked-folder'));
    mkdirSync(file('data/empty'));
    writeFileSync(file('code/prep.py'), 'print(1)\n');
    writeFileSync(file('code/extra.yaml'), 'depth: 3\n');
    writeFileSync(file('params.yaml'), 'models: [a, b]\ntrain: {lr: 0.1, layers: [8, 8], flag: true, big: 12345678901234567890}\n');
    writeFileSync(file('other.json'), '{"x": {"y": 1.5}, "z": null}\n');
    writeFileSync(file('dvc.yaml'), PIPELINE);
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  /** Ours in DVC's words. What DVC calls modified although it has never seen it is new here. */
  const inDvcWords = (stages: readonly StageStatus[]): DvcStatus => Object.fromEntries(stages.flatMap((stage): [string, DvcStatus[string]][] => {
    assert.notEqual(stage.state, 'not evaluated', stage.reason);
    const deps: Record<string, string | Record<string, string>> = {};
    const outs: Record<string, string> = {};
    for (const { what, location, name, state } of stage.changes) {
      const word = state === 'missing' ? 'deleted' : state === 'new' && what !== 'parameter' ? 'modified' : state;
      if (what === 'output') outs[location] = word;
      else if (what === 'dependency' || (what === 'parameter' && name === undefined)) deps[location] = word;
      else if (what === 'parameter') deps[location] = { ...(deps[location] as object | undefined), [name!]: word };
    }
    const said = [
      ...Object.keys(deps).length > 0 ? [{ 'changed deps': deps }] : [], ...Object.keys(outs).length > 0 ? [{ 'changed outs': outs }] : [],
      ...stage.changes.some(({ what }) => what === 'command') ? ['changed command'] : [], ...stage.state === 'always runs' ? ['always changed'] : [],
    ];
    return said.length > 0 ? [[stage.name, said]] : [];
  }));

  async function compare(): Promise<StageStatus[]> {
    const { stages, problems } = await new PipelineFolder(dir).read();
    assert.deepEqual(problems.filter(({ problem }) => problem.severity === 'error'), []);
    const status = JSON.parse(dvc(dir, 'status', '--json').replaceAll('"not in cache"', '"deleted"')) as DvcStatus;
    const sorted = (value: DvcStatus): unknown => Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, said]) => [name, said.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))]);
    assert.deepEqual(sorted(inDvcWords(stages)), sorted(status));
    return [...stages];
  }
  const stateOf = (stages: readonly StageStatus[], name: string): string | undefined => stages.find((stage) => stage.name === name)?.state;

  it('that never ran', async () => {
    const stages = await compare();
    assert.equal(stateOf(stages, 'prepare'), 'never run');
    assert.deepEqual(stages.map(({ name }) => name), JSON.parse(dvc(dir, 'stage', 'list', '--all', '--name-only').trim().split('\n').map((name) => JSON.stringify(name)).join(',').replace(/^/, '[').concat(']')));
  });

  it('that ran: hashes of files and folders, commands and parameters are those of its lock', async () => {
    dvc(dir, 'repro', '--quiet');
    const stages = await compare();
    assert.deepEqual(stages.filter(({ state }) => state !== 'up to date').map(({ name, state }) => `${name} ${state}`), ['callback always runs', 'always always runs']);
  });

  const changes: { readonly name: string; readonly make: () => () => void; readonly expect: Record<string, string> }[] = [
    { name: 'a changed file', make: () => edit('raw.csv', (text) => `${text}3,4\n`), expect: { prepare: 'changed', 'sizes@small': 'changed', 'grid@1.0-kind1': 'changed', numbers: 'changed', frozen: 'up to date', 'train@a': 'up to date' } },
    { name: 'a file more in a folder', make: () => { writeFileSync(file('data/deeper/new.csv'), ''); return () => unlinkSync(file('data/deeper/new.csv')); }, expect: { prepare: 'changed' } },
    { name: 'a renamed file in a folder', make: () => { renameSync(file('data/one.csv'), file('data/uno.csv')); writeFileSync(file('data/one.csv'), 'other'); return () => renameSync(file('data/uno.csv'), file('data/one.csv')); }, expect: { prepare: 'changed' } },
    { name: 'a dependency that is missing', make: () => { renameSync(file('raw.csv'), file('gone')); return () => renameSync(file('gone'), file('raw.csv')); }, expect: { prepare: 'changed' } },
    { name: 'an output that was edited', make: () => edit('m_a.txt', () => 'other\n'), expect: { 'train@a': 'changed', 'train@b': 'up to date' } },
    { name: 'an output and a metric that are missing', make: () => { renameSync(file('m_a.txt'), file('gone')); renameSync(file('met_b.json'), file('gone2')); return () => { renameSync(file('gone'), file('m_a.txt')); renameSync(file('gone2'), file('met_b.json')); }; }, expect: { 'train@a': 'changed', 'train@b': 'changed' } },
    { name: 'a changed parameter, one that is the same number otherwise written, and one that is gone', make: () => edit('params.yaml', () => 'models: [a, b]\ntrain: {lr: 1e-1, layers: [8, 9], flag: true}\n'), expect: { 'train@a': 'changed', whole: 'changed', below: 'up to date' } },
    { name: 'a missing parameter', make: () => edit('params.yaml', () => 'models: [a, b]\ntrain: {layers: [8, 8], flag: true}\n'), expect: { 'train@a': 'changed', below: 'changed' } },
    { name: 'another item of a foreach', make: () => edit('params.yaml', (text) => text.replace('[a, b]', '[a, c]')), expect: { 'train@a': 'up to date', 'train@c': 'never run', whole: 'changed' } },
    { name: 'a value within a command', make: () => edit('dvc.yaml', (text) => text.replace('rate: 1.0,', 'rate: 1,')), expect: { numbers: 'changed' } },
    { name: 'a value of a file below', make: () => edit('code/extra.yaml', () => 'depth: 3.0\n'), expect: { below: 'changed' } },
    { name: 'a dependency more', make: () => edit('dvc.yaml', (text) => text.replace('deps: [prep.py]', 'deps: [prep.py, extra.yaml]')), expect: { below: 'changed' } },
    { name: 'an ignored file in a folder', make: () => { const undo = edit('.dvcignore', (text) => `${text}\n*.tmp\ndeeper/cache/\n`); mkdirSync(file('data/deeper/cache')); for (const name of ['x.tmp', 'deeper/cache/y']) writeFileSync(file(`data/${name}`), 'x'); return () => { undo(); rmSync(file('data/deeper/cache'), { recursive: true }); unlinkSync(file('data/x.tmp')); }; }, expect: {} },
  ];

  /** Changes a text; gives the way back. */
  function edit(path: string, change: (text: string) => string): () => void {
    const before = readFileSync(file(path), 'utf8');
    writeFileSync(file(path), change(before));
    return () => writeFileSync(file(path), before);
  }

  for (const { name, make, expect } of changes) {
    it(`with ${name}`, async () => {
      const undo = make();
      try {
        const stages = await compare();
        for (const [stage, state] of Object.entries(expect)) assert.equal(stateOf(stages, stage), state, stage);
      } finally {
        undo();
      }
    });
  }

  it('names the stages that would run first', async () => {
    const undo = edit('raw.csv', (text) => `${text}5,6\n`);
    const { stages } = await new PipelineFolder(dir).read();
    undo();
    assert.deepEqual(stages.find(({ name }) => name === 'train@a'), { name: 'train@a', state: 'up to date', changes: [], upstream: ['prepare'], frozen: false, line: 9 });
  });

  it('with a lock of DVC 2, whose hashes take all line ends for one', async () => {
    const legacy = (md5: string): (() => void) => edit('dvc.lock', (text) => text.replaceAll(/( {4}- path: raw\.csv\n) {6}hash: md5\n {6}md5: \w+/g, `$1      md5: ${md5}`));
    for (const [md5, state] of [['f'.repeat(32), 'changed'], [createHash('md5').update('a,b\n1,2\n').digest('hex'), 'up to date']] as const) {
      const undo = legacy(md5);
      try {
        assert.equal(stateOf(await compare(), 'numbers'), state);
      } finally {
        undo();
      }
    }
  });

  describe('that are broken', () => {
    const read = async (): Promise<{ states: string[]; said: string[] }> => {
      const { stages, problems } = await new PipelineFolder(dir).read();
      return { states: stages.map(({ name, state, reason }) => `${name} ${state} ${reason ?? ''}`), said: problems.map(({ file: name, problem }) => `${name}:${problem.range.start.line + 1} ${problem.message}`) };
    };
    const cases: { readonly name: string; readonly path: string; readonly change: (text: string) => string; readonly said?: RegExp; readonly states?: RegExp }[] = [
      { name: 'a merge in dvc.lock', path: 'dvc.lock', change: (text) => text.replace('stages:\n', '<<<<<<< HEAD\nstages:\n=======\nstages:\n>>>>>>> other\n'), said: /^dvc\.lock:2 dvc\.lock has the conflict markers of an unfinished merge: resolve them, then run `dvc repro`/ },
      { name: 'a merge in dvc.yaml', path: 'dvc.yaml', change: (text) => `<<<<<<< HEAD\n${text}`, said: /^dvc\.yaml:1 .*conflict markers/ },
      { name: 'a lock that is cut', path: 'dvc.lock', change: (text) => `${text.slice(0, 200)}\n  x: "`, said: /^dvc\.lock:\d+ dvc\.lock: Not valid YAML/ },
      { name: 'a lock of another schema', path: 'dvc.lock', change: (text) => text.replace("'2.0'", "'9.0'"), said: /^dvc\.lock:1 .*another version of DVC/ },
      { name: 'a broken stage in the lock', path: 'dvc.lock', change: (text) => text.replace(/( {2}numbers:\n {4}cmd:)[^]*?(\n {4}deps)/, '$1 {}$2'), said: /Stage numbers of dvc\.lock is broken at cmd: run `dvc repro numbers`/, states: /^numbers never run/m },
      { name: 'YAML that is none', path: 'dvc.yaml', change: () => 'stages: [', said: /^dvc\.yaml:1 dvc\.yaml: Not valid YAML/ },
      { name: 'a variable that is not there', path: 'dvc.yaml', change: (text) => text.replace('echo ${rate} ', 'echo ${rat} '), states: /^numbers not evaluated Not evaluated: \$\{rat\} is not defined\.$/m },
      { name: 'a list in the place of a word', path: 'dvc.yaml', change: (text) => text.replace('echo ${rate} ', 'echo ${train.layers} '), states: /^numbers not evaluated .* is a list or a mapping/m },
      { name: 'a foreach over nothing', path: 'params.yaml', change: (text) => text.replace('[a, b]', '3'), states: /^train not evaluated .*neither a list nor a mapping/m },
      { name: 'two values for one variable', path: 'params.yaml', change: (text) => `${text}rate: 7\n`, states: /^numbers not evaluated .*variable rate is given twice/m },
      { name: 'a dependency elsewhere', path: 'dvc.yaml', change: (text) => text.replace('deps: [prep.py]', 'deps: ["s3://bucket/x"]'), states: /^below not evaluated .*s3:\/\/bucket\/x is not on this machine/m },
      { name: 'a parameter file that is cut', path: 'other.json', change: () => '{"x": {', states: /^below not evaluated .*other\.json is not valid YAML/m },
      { name: 'a stage without a command', path: 'dvc.yaml', change: (text) => text.replace('cmd: echo whole', 'cwd: echo'), states: /^whole not evaluated .*cmd is not what DVC expects/m },
      { name: 'a stage that is text', path: 'dvc.yaml', change: (text) => text.replace('{cmd: echo again}', 'again'), states: /^callback not evaluated/m },
      { name: 'a matrix of millions', path: 'dvc.yaml', change: (text) => text.replace('rate: [0.5, 1.0]', `a: &a [${'1, '.repeat(99)}1], b: *a, rate: *a`), states: /^grid not evaluated .*more than 5000 stages/m },
    ];
    for (const { name, path, change, said, states } of cases) {
      it(`by ${name}`, async () => {
        const undo = edit(path, change);
        try {
          const found = await read();
          if (said !== undefined) assert.match(found.said.join('\n'), said);
          if (states !== undefined) assert.match(found.states.join('\n'), states);
        } finally {
          undo();
        }
      });
    }

    it('by a link to nowhere in a folder, and by a file that may not be read', async () => {
      symlinkSync('nowhere', file('data/broken'));
      assert.match((await read()).states.join('\n'), /^prepare not evaluated .*data\/broken is a link to nowhere\.$/m);
      unlinkSync(file('data/broken'));
      if (process.getuid?.() === 0) return;
      chmodSync(file('raw.csv'), 0o000);
      assert.match((await read()).states.join('\n'), /^prepare not evaluated .*raw\.csv cannot be read/m);
      chmodSync(file('raw.csv'), 0o644);
    });

    it('by being absent', async () => {
      await assert.rejects(new PipelineFolder(join(dir, 'data')).read(), /has no dvc\.yaml: there is no pipeline/);
    });
  });

  it('hashes 1 GB once, again only when it changed, and stops when nobody waits any more', async () => {
    const big = file('big.bin');
    writeFileSync(big, '');
    truncateSync(big, 1024 ** 3);
    const hasher = new Hasher();
    const pipeline = new PipelineFolder(dir, hasher);
    const request = [{ location: 'big.bin', kind: 'md5' as const }];
    const abort = new AbortController();
    const given = pipeline.hashes(request, abort.signal);
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(given, { name: 'AbortError' });
    assert.ok(hasher.bytesRead < 1024 ** 3);
    hasher.bytesRead = 0;
    assert.deepEqual([...(await pipeline.hashes(request)).values()], [{ hash: 'cd573cfaace07e7949bc0c46028904ff', size: 1024 ** 3 }]);
    await pipeline.hashes(request);
    assert.equal(hasher.bytesRead, 1024 ** 3);
    appendFileSync(big, 'x');
    await pipeline.hashes(request);
    assert.equal(hasher.bytesRead, 2 * 1024 ** 3 + 1);
    unlinkSync(big);
    assert.deepEqual([...(await pipeline.hashes(request)).values()], [{ missing: true }]);
  });
});
