import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { GitRepository } from '../../../src/adapters/git/gitRepository.ts';
import { AppError } from '../../../src/core/base/errors.ts';

describe('a git repository', function () {
  this.timeout(60_000);
  let dir: string;
  let work: string;
  const commits: string[] = [];

  const git = (folder: string, ...args: string[]): string => execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'commit.gpgsign=false', '-c', 'protocol.file.allow=always', ...args], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const commit = (files: Record<string, string>, subject: string): string => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(work, path, '..'), { recursive: true });
      writeFileSync(join(work, path), text);
    }
    git(work, 'add', '--all');
    git(work, 'commit', '-q', '-m', subject);
    return git(work, 'rev-parse', 'HEAD');
  };
  const open = (folder = work): Promise<GitRepository> => GitRepository.open(folder);
  const failing = (code: string, says: RegExp) => (error: unknown): boolean => error instanceof AppError && error.code === code && says.test(error.message);

  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'modelswitch-git-'));
    work = join(dir, 'work');
    mkdirSync(work);
    git(work, 'init', '-q', '-b', 'main');
    commits.push(commit({ 'ml/dvc.lock': 'one\n', 'ml/a b.txt': 'a', 'top.txt': '1' }, 'one \u001b[31mred'));
    commits.push(commit({ 'ml/dvc.lock': 'two\n', 'ml/-weird': 'x', 'ml/*.txt': 'star' }, 'two'));
    commits.push(commit({ 'top.txt': '2' }, 'three'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('gives files of the past by paths of its folder, whatever their names', async () => {
    const repository = await open(join(work, 'ml'));
    const read = async (id: string, path: string): Promise<string | undefined> => {
      const bytes = await repository.file(id, path);
      return bytes && Buffer.from(bytes).toString();
    };
    assert.deepEqual(await Promise.all([read(commits[0]!, 'dvc.lock'), read(commits[1]!, 'dvc.lock'), read(commits[1]!, '-weird'), read(commits[1]!, '*.txt'), read(commits[0]!, '../top.txt')]), ['one\n', 'two\n', 'x', 'star', '1']);
    assert.deepEqual(await Promise.all([read(commits[0]!, '-weird'), read(commits[0]!, '../../outside'), read(commits[0]!, '.'), read(commits[0]!, '*')]), [undefined, undefined, undefined, undefined]);
  });

  it('says how far a commit is behind', async () => {
    const repository = await open();
    const state = await repository.commit(commits[0]!.slice(0, 8));
    assert.ok(state.kind === 'known');
    assert.deepEqual({ ...state.commit, time: 0 }, { id: commits[0], time: 0, subject: 'one  [31mred', behind: 2, ahead: 0 });
    assert.deepEqual((await repository.changes(commits[0]!, commits[2]!, ['ml/dvc.lock'], 10)).map(({ id }) => id), [commits[1]]);
    assert.deepEqual(await repository.changes(commits[0]!, commits[2]!, ['*'], 10), []);
    assert.deepEqual(await repository.changedFiles(commits[0]!, commits[2]!), ['ml/*.txt', 'ml/-weird', 'ml/dvc.lock', 'top.txt']);
    assert.deepEqual(await (await open(join(work, 'ml'))).changedFiles(commits[1]!, commits[2]!), ['../top.txt']);
    git(work, 'checkout', '-q', '-b', 'side', commits[1]!);
    const side = commit({ side: '' }, 'side');
    git(work, 'checkout', '-q', 'main');
    const aside = await repository.commit(side);
    assert.ok(aside.kind === 'known');
    assert.deepEqual([aside.commit.ahead, aside.commit.behind], [1, 1]);
  });

  it('lists what is not committed', async () => {
    writeFileSync(join(work, 'top.txt'), 'edited');
    writeFileSync(join(work, 'ml', 'new\nline'), '');
    assert.deepEqual((await (await open(join(work, 'ml'))).uncommitted()).toSorted(), ['../top.txt', 'new\nline']);
    rmSync(join(work, 'ml', 'new\nline'));
    git(work, 'checkout', '-q', 'top.txt');
    assert.deepEqual(await (await open()).uncommitted(), []);
  });

  it('refuses names that are no commit ids, before git sees them', async () => {
    const repository = await open();
    for (const name of ['--output=/tmp/x', '-1', 'HEAD', 'main', 'a..b', '', ':/one', 'g'.repeat(40)]) {
      assert.deepEqual((await repository.commit(name)).kind, 'unknown', name);
      await assert.rejects(repository.file(name, 'top.txt'), failing('validation', /is no commit id/));
      await assert.rejects(repository.changedFiles(commits[0]!, name), failing('validation', /is no commit id/));
    }
  });

  it('explains what it does not know: another repository, a shallow clone, no commit yet', async () => {
    const unknown = await (await open()).commit('0123456789abcdef0123456789abcdef01234567');
    assert.deepEqual(unknown, { kind: 'unknown', reason: 'Commit 0123456789 is not in this repository: fetch it, or it belongs to another repository or was never pushed.' });
    git(dir, 'clone', '-q', '--depth', '1', `file://${work}`, 'shallow');
    const shallow = await (await open(join(dir, 'shallow'))).commit(commits[0]!);
    assert.match(shallow.kind === 'unknown' ? shallow.reason : '', /not in this shallow clone: run git fetch --unshallow/);
    mkdirSync(join(dir, 'fresh'));
    git(join(dir, 'fresh'), 'init', '-q');
    const fresh = await open(join(dir, 'fresh'));
    assert.equal(await fresh.head(), undefined);
    assert.equal((await fresh.commit(commits[0]!)).kind, 'unknown');
  });

  it('explains where there is none', async () => {
    mkdirSync(join(dir, 'plain'));
    await assert.rejects(open(join(dir, 'plain')), failing('notFound', /plain is in no git repository/));
    await assert.rejects(open(join(dir, 'missing')), failing('notFound', /missing cannot be entered/));
    git(dir, 'clone', '-q', '--bare', work, 'bare');
    await assert.rejects(open(join(dir, 'bare')), failing('notFound', /bare git repository/));
    const before = process.env['PATH'];
    process.env['PATH'] = join(dir, 'nothing') + delimiter;
    try {
      await assert.rejects(open(), failing('notFound', /git cannot be started: install it/));
    } finally {
      process.env['PATH'] = before;
    }
  });

  it('takes a submodule for a repository of its own', async () => {
    git(dir, 'clone', '-q', work, 'outer');
    git(join(dir, 'outer'), 'submodule', '--quiet', 'add', `file://${work}`, 'inner');
    git(join(dir, 'outer'), 'commit', '-q', '-m', 'with a submodule');
    const [outer, inner] = [await open(join(dir, 'outer')), await open(join(dir, 'outer', 'inner', 'ml'))];
    assert.equal(await outer.file((await outer.head())!, 'inner/top.txt'), undefined);
    assert.equal(Buffer.from((await inner.file(commits[2]!, 'dvc.lock'))!).toString(), 'two\n');
  });

  it('explains a repository of another user', async function () {
    // Only root can make one; git then asks whose it is, as it would of anybody.
    if (process.getuid?.() !== 0) return;
    const foreign = join(dir, 'foreign');
    git(dir, 'clone', '-q', work, 'foreign');
    for (const path of [foreign, join(foreign, '.git')]) chownSync(path, 12345, 12345);
    const before = { ...process.env };
    Object.assign(process.env, { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' });
    try {
      await assert.rejects(open(foreign), failing('forbidden', /belongs to another user: if you trust it, run git config --global --add safe\.directory/));
    } finally {
      for (const name of ['GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM']) if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
    }
  });

  it('starts nothing that a repository names: monitors, hooks, filters, viewers, remotes', async () => {
    const [proof, program] = [join(dir, 'started'), join(dir, 'program')];
    writeFileSync(program, `#!/bin/sh\necho "$@" >> ${proof}\ncat\n`);
    chmodSync(program, 0o755);
    git(dir, 'clone', '-q', work, 'hostile');
    const hostile = join(dir, 'hostile');
    for (const [name, value] of [['core.fsmonitor', program], ['core.pager', program], ['core.hooksPath', join(dir, 'hooks')], ['core.sshCommand', program], ['diff.external', program], ['filter.evil.clean', program], ['filter.evil.process', program], ['filter.evil.smudge', program], ['diff.evil.textconv', program], ['gpg.program', program], ['log.showSignature', 'true'], ['remote.origin.uploadpack', program], ['remote.origin.promisor', 'true'], ['extensions.partialClone', 'origin'], ['alias.log', `!${program}`], ['alias.status', `!${program}`]] as const) git(hostile, 'config', name, value);
    mkdirSync(join(dir, 'hooks'));
    for (const hook of ['post-index-change', 'reference-transaction']) writeFileSync(join(dir, 'hooks', hook), readFileSync(program), { mode: 0o755 });
    writeFileSync(join(hostile, '.gitattributes'), '* filter=evil diff=evil\n');
    writeFileSync(join(hostile, 'top.txt'), '3');
    const repository = await open(hostile);
    assert.deepEqual((await repository.uncommitted()).toSorted(), ['.gitattributes', 'top.txt']);
    assert.deepEqual(await repository.changedFiles(commits[1]!, commits[2]!), ['top.txt']);
    assert.equal((await repository.changes(commits[0]!, commits[2]!, ['top.txt'], 5)).length, 1);
    assert.equal(Buffer.from((await repository.file(commits[0]!, 'top.txt'))!).toString(), '1');
    assert.equal((await repository.commit('0123456789abcdef0123456789abcdef01234567')).kind, 'unknown');
    assert.equal(existsSync(proof), false, existsSync(proof) ? readFileSync(proof, 'utf8') : '');
    // The trap works: git by itself springs it.
    git(hostile, 'status');
    assert.ok(existsSync(proof));
  });

  it('is not led elsewhere by the environment, and stops when nobody waits', async () => {
    process.env['GIT_DIR'] = join(dir, 'fresh', '.git');
    try {
      assert.equal(await (await open()).head(), commits[2]);
    } finally {
      delete process.env['GIT_DIR'];
    }
    const repository = await open();
    await assert.rejects(repository.head(AbortSignal.abort()), failing('cancelled', /Cancelled/));
    const abort = new AbortController();
    const asked = repository.uncommitted(abort.signal);
    abort.abort();
    await assert.rejects(asked, failing('cancelled', /Cancelled/));
  });

  it('drops answers that are too large, and commands that do not end', async () => {
    const { runGit } = await import('../../../src/adapters/git/runGit.ts');
    await assert.rejects(runGit(work, ['log', '-p'], { largest: 10 }), failing('validation', /more than 0 MB|answered with more/));
    await assert.rejects(runGit(work, ['-c', 'alias.wait=!sleep 30', 'wait'], { timeoutMs: 200 }), failing('timeout', /did not end within 0\.2 s/));
  });
});
