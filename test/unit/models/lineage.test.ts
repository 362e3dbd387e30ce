import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PipelineFolder } from '../../../src/adapters/dvc/pipelineFolder.ts';
import { GitRepository } from '../../../src/adapters/git/gitRepository.ts';
import type { Lineage, LineageSubject } from '../../../src/core/models/lineage.ts';
import { readLineage } from '../../../src/core/models/lineageReader.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

describe('lineage of a version', function () {
  this.timeout(30_000);
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-lineage-'));
    git('init', '-q', '-b', 'main');
    write({ 'dvc.yaml': PIPELINE, 'params.yaml': 'seed: 7\ntrain: {lr: 0.1}\n', 'src/train.py': 'train()\n', 'src/prepare.py': 'prepare()\n', '.gitignore': '/data/raw.csv\n/data/clean.csv\n/model.bin\n', 'data/regions.csv': 'eu\n' });
    data('raw 1\n');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const PIPELINE = `stages:
  prepare:
    cmd: python src/prepare.py
    deps: [data/raw.csv, data/regions.csv, src/prepare.py]
    params: [seed]
    outs: [data/clean.csv]
  train:
    cmd: python src/train.py
    deps: [data/clean.csv, src/train.py]
    params: [train.lr]
    outs: [model.bin]
`;
  const git = (...args: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false', ...args], { cwd: dir, encoding: 'utf8' }).trim();
  const text = (path: string): string => readFileSync(join(dir, path), 'utf8');
  const write = (files: Record<string, string>): void => {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), content);
    }
  };
  const commit = (subject: string): string => {
    git('add', '--all');
    git('commit', '-q', '--allow-empty', '-m', subject);
    return git('rev-parse', 'HEAD');
  };
  /** New raw data, as `dvc add` puts it. */
  const data = (content: string): void => write({ 'data/raw.csv': content, 'data/raw.csv.dvc': `outs:\n- md5: ${md5(content)}\n  size: ${content.length}\n  hash: md5\n  path: raw.csv\n` });
  /** Runs the pipeline: outputs and a new lock. */
  const repro = (): void => {
    write({ 'data/clean.csv': `clean ${text('data/raw.csv')}${text('params.yaml')}`, 'model.bin': `model of ${text('data/raw.csv')}${text('params.yaml')}` });
    const item = (path: string): string => `    - path: ${path}\n      hash: md5\n      md5: ${md5(text(path))}\n      size: ${text(path).length}\n`;
    const [seed, lr] = [/seed: (\S+)/.exec(text('params.yaml'))![1], /lr: ([^\s}]+)/.exec(text('params.yaml'))![1]];
    write({ 'dvc.lock': `schema: '2.0'\nstages:\n  prepare:\n    cmd: python src/prepare.py\n    deps:\n${['data/raw.csv', 'data/regions.csv', 'src/prepare.py'].map(item).join('')}    params:\n      params.yaml:\n        seed: ${seed}\n    outs:\n${item('data/clean.csv')}  train:\n    cmd: python src/train.py\n    deps:\n${item('data/clean.csv')}${item('src/train.py')}    params:\n      params.yaml:\n        train.lr: ${lr}\n    outs:\n${item('model.bin')}` });
  };
  const subject = (id: string | undefined, params: Record<string, string> = { lr: '0.1' }): LineageSubject => ({
    model: 'credit', version: '3', run: { id: 'r1', name: 'run' }, params, datasets: [{ name: 'clean', digest: 'abc' }],
    code: { ...(id === undefined ? {} : { commit: id }), entry: '/home/somebody/project/src/train.py' },
  });
  const lineage = async (of: LineageSubject, stage?: string): Promise<Lineage> => readLineage(of, { repository: await GitRepository.open(dir), tree: new PipelineFolder(dir), stage });
  const states = ({ data: items, parameters, code }: Lineage): Record<string, string> => Object.fromEntries([...items.map(({ path, state }) => [path, state]), ...parameters.map(({ name, state }) => [name, state]), ...code.map(({ path, state }) => [path, state])] as [string, string][]);
  const same = { 'data/clean.csv': 'same', 'data/raw.csv': 'same', 'data/regions.csv': 'same', 'src/train.py': 'same', 'src/prepare.py': 'same', 'train.lr': 'same', seed: 'same' };

  it('is up to date where nothing has changed since, whatever was committed beside it', async () => {
    const run = commit('files');
    repro();
    const locked = commit('lock');
    write({ README: 'words' });
    commit('words');
    const found = await lineage(subject(run));
    assert.deepEqual([found.verdict, found.stages, found.lockedAt, found.commit?.kind === 'known' && found.commit.commit.behind], ['up to date', ['train', 'prepare'], locked, 2]);
    assert.deepEqual(states(found), same);
    assert.deepEqual(found.data.find(({ path }) => path === 'data/raw.csv'), { path: 'data/raw.csv', hash: md5('raw 1\n'), size: 6, state: 'same' });
    assert.deepEqual(found.reasons, [`The lock of the run was committed after it, as ${locked.slice(0, 10)}.`]);
  });

  it('says which data changed, since which commit, also where nobody ran the pipeline again', async () => {
    const run = commit('files');
    repro();
    commit('lock');
    data('raw 2\n');
    const newer = commit('data');
    const found = await lineage(subject(run));
    assert.deepEqual([found.verdict, found.reasons[0]], ['retrain needed: data changed', `Data changed: data/raw.csv since ${newer.slice(0, 10)}.`]);
    assert.deepEqual(states(found), { ...same, 'data/raw.csv': 'changed' });
    repro();
    const again = commit('again');
    const after = (await lineage(subject(run))).data.find(({ path }) => path === 'data/clean.csv');
    assert.deepEqual([after?.state, after?.producedBy, after?.changedSince], ['changed', 'prepare', again]);
  });

  it('takes the lock of the run, not that of the run before it, which stands at its commit', async () => {
    repro();
    commit('first');
    data('raw 2\n');
    const run = commit('data');
    repro();
    const locked = commit('lock');
    const found = await lineage(subject(run));
    assert.deepEqual([found.verdict, found.lockedAt, found.data.find(({ path }) => path === 'data/raw.csv')?.hash], ['up to date', locked, md5('raw 2\n')]);
  });

  it('tells data that is not committed, not here, or tracked by git', async () => {
    repro();
    const run = commit('all');
    assert.equal((await lineage(subject(run))).lockedAt, run);
    write({ 'data/raw.csv': 'raw 9\n' });
    const uncommitted = await lineage(subject(run));
    assert.deepEqual(uncommitted.reasons, ['Data changed: data/raw.csv, not committed.']);
    rmSync(join(dir, 'data/raw.csv'));
    assert.equal((await lineage(subject(run))).verdict, 'up to date', 'the .dvc file says what it is');
    rmSync(join(dir, 'data/raw.csv.dvc'));
    rmSync(join(dir, 'dvc.lock'));
    const away = await lineage(subject(run));
    assert.deepEqual([away.verdict, states(away)['data/raw.csv'], away.reasons[0]], ['unknown', 'missing', 'data/raw.csv is not here: run dvc pull to compare it.']);
    git('checkout', '-q', '.');
    data('raw 1\n');
    write({ 'data/regions.csv': 'eu\nus\n' });
    const regions = commit('regions');
    assert.equal((await lineage(subject(run))).data.find(({ path }) => path === 'data/regions.csv')?.changedSince, regions);
  });

  it('tells parameters and code apart from data', async () => {
    repro();
    const run = commit('all');
    write({ 'params.yaml': 'seed: 7\ntrain: {lr: 0.10}\n' });
    assert.equal((await lineage(subject(run))).verdict, 'up to date');
    write({ 'src/train.py': 'train(better)\n' });
    const code = commit('code');
    const found = await lineage(subject(run));
    assert.deepEqual([found.verdict, found.code.find(({ path }) => path === 'src/train.py')], ['code changed', { path: 'src/train.py', state: 'changed', changedSince: code }]);
    write({ 'params.yaml': 'train: {lr: 0.2}\n' });
    const both = await lineage(subject(run));
    assert.equal(both.verdict, 'parameters changed');
    assert.deepEqual(both.reasons.slice(0, 2), ['Parameter train.lr: 0.1 -> 0.2.', 'Parameter seed: 7 -> gone.']);
  });

  it('keeps to the stage that is named, and says when there is none', async () => {
    repro();
    const run = commit('all');
    data('raw 2\n');
    commit('data');
    assert.deepEqual((await lineage(subject(run), 'prepare')).stages, ['prepare']);
    const none = await lineage(subject(run), 'fit');
    assert.deepEqual([none.verdict, none.reasons], ['unknown', [`dvc.lock of ${run.slice(0, 10)} has no stage fit.`]]);
  });

  it('finds the stage of a foreach by the parameters of the run, also where the lock at its commit only has another', async () => {
    const stage = (name: string, c: string, content: string): string => `  train@${name}:\n    cmd: python src/train.py ${name}\n    deps:\n    - path: data/raw.csv\n      hash: md5\n      md5: ${md5(content)}\n    - path: src/train.py\n      hash: md5\n      md5: ${md5(text('src/train.py'))}\n    params:\n      params.yaml:\n        models.${name}:\n          ${c}: 1.0\n`;
    write({
      'dvc.yaml': 'stages:\n  train:\n    foreach: [linear, trees]\n    do:\n      cmd: python src/train.py ${item}\n      deps: [data/raw.csv, src/train.py]\n      params: ["models.${item}"]\n      outs: ["${item}.bin"]\n',
      'params.yaml': 'models: {linear: {C: 1.0}, trees: {depth: 1.0}}\n',
      'dvc.lock': `schema: '2.0'\nstages:\n${stage('linear', 'C', 'raw 1\n')}`,
    });
    commit('linear');
    data('raw 2\n');
    const run = commit('data');
    write({ 'dvc.lock': `schema: '2.0'\nstages:\n${stage('linear', 'C', 'raw 1\n')}${stage('trees', 'depth', 'raw 2\n')}` });
    const locked = commit('trees');
    const found = await lineage(subject(run, { 'models.trees.depth': '1.0' }));
    assert.deepEqual([found.verdict, found.stages, found.lockedAt], ['up to date', ['train@trees'], locked]);
  });

  it('says that a run was made from what was committed later, or never', async () => {
    repro();
    const run = commit('all');
    write({ 'params.yaml': 'seed: 7\ntrain: {lr: 0.3}\n', 'src/train.py': 'train(3)\n' });
    repro();
    const later = commit('all of it');
    const dirty = await lineage(subject(run, { lr: '0.3' }));
    assert.deepEqual([dirty.verdict, dirty.lockedAt], ['up to date', later]);
    assert.match(dirty.reasons.join(), /The run was made before params\.yaml, src\/train\.py was committed/);
    const never = await lineage(subject(run, { 'train.lr': '0.5' }));
    assert.equal(never.verdict, 'unknown');
    assert.match(never.reasons[0]!, /No dvc\.lock describes this run \(train\.lr: 0\.5 in the run, 0\.1 in the lock\).*never committed/);
  });

  it('says that a lock was not committed after the run', async () => {
    repro();
    commit('all');
    data('raw 2\n');
    const run = commit('data');
    const found = await lineage(subject(run));
    assert.equal(found.verdict, 'unknown');
    assert.match(found.reasons[0]!, /does not belong to the files of the run's commit \(data\/raw\.csv\): after dvc repro, dvc\.lock was not committed/);
  });

  it('is unknown, with the reason, without commit, repository, lock or a lock that can be read', async () => {
    const plain = commit('no pipeline');
    const noLock = await lineage(subject(plain));
    assert.deepEqual([noLock.verdict, noLock.data, noLock.parameters], ['unknown', [{ path: 'clean', hash: 'abc', state: 'unknown' }], [{ name: 'lr', then: '0.1', state: 'unknown' }]]);
    assert.match(noLock.reasons[0]!, /There is no dvc\.lock at commit/);
    write({ 'src/train.py': 'other()\n' });
    const edited = commit('code');
    assert.deepEqual((await lineage(subject(plain))).code, [{ path: 'src/train.py', state: 'changed', changedSince: edited }]);
    write({ 'dvc.lock': '<<<<<<< HEAD\n' });
    assert.match((await lineage(subject(commit('conflict')))).reasons[0]!, /At commit .*: dvc\.lock has the conflict markers/);
    assert.match((await lineage(subject(undefined))).reasons[0]!, /The run names no commit/);
    assert.match((await lineage(subject('0123456789'))).reasons[0]!, /is not in this repository/);
    assert.match((await lineage(subject('--output=x'))).reasons[0]!, /is no commit id/);
    const outside = await readLineage(subject(plain), { repository: { reason: 'No repository.' }, tree: new PipelineFolder(dir) });
    assert.deepEqual([outside.verdict, outside.reasons], ['unknown', ['No repository.']]);
  });

  it('is not misled by line ends of a checkout, or by files that git keeps elsewhere', async () => {
    write({ '.gitattributes': '*.py text\n' });
    write({ 'src/train.py': 'train()\r\n', 'src/prepare.py': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n' });
    git('config', 'core.autocrlf', 'true');
    repro();
    write({ 'dvc.lock': text('dvc.lock').replace(md5(text('src/prepare.py')), md5('the real one')) });
    const run = commit('all');
    assert.equal(git('cat-file', '-s', `${run}:src/train.py`), '8');
    const found = await lineage(subject(run));
    assert.deepEqual([found.lockedAt, found.code.map(({ state }) => state)], [run, ['same', 'changed']]);
  });
});
