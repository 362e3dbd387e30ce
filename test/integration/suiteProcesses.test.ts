import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AppError } from '../../src/core/base/errors.ts';
import type { SubjectContent } from '../../src/core/suites/schema.ts';
import type { RawAnswer } from '../../src/core/suites/subject.ts';
import { JsonLinesSubject } from '../../src/adapters/predictors/jsonLinesSubject.ts';
import { eventually } from '../support/eventually.ts';

const root = join(import.meta.dirname, '..', '..');
const fixtures = join(root, 'test', 'fixtures', 'suites');
const quiet = new AbortController().signal;

/** Whether a process of the group runs; one that has ended and that nobody has waited for yet does not. */
function groupIsAlive(group: number): boolean {
  const { stdout } = spawnSync('ps', ['-eo', 'pgid=,stat='], { encoding: 'utf8' });
  return stdout.split('\n').some((line) => { const [id, state = 'Z'] = line.trim().split(/\s+/); return Number(id) === group && !state.startsWith('Z'); });
}

describe('subjects that are processes', function () {
  this.timeout(60_000);
  const open: JsonLinesSubject[] = [];
  const python = (callable: string, content: SubjectContent = {}): JsonLinesSubject => {
    const subject = new JsonLinesSubject({ name: callable, content: { python: callable, ...content }, saysReady: true, command: ['python3', join(root, 'media', 'python', 'modelswitch_predict.py'), callable, ...(content.batch === true ? ['--batch'] : [])], cwd: fixtures, env: process.env });
    open.push(subject);
    return subject;
  };
  const program = (command: readonly string[], content: SubjectContent = {}): JsonLinesSubject => {
    const subject = new JsonLinesSubject({ name: command.join(' '), content, saysReady: false, command, cwd: fixtures, env: process.env });
    open.push(subject);
    return subject;
  };
  const ask = async (subject: JsonLinesSubject, kind: string): Promise<RawAnswer | undefined> => (await subject.predict([{ kind }], quiet))[0];
  afterEach(async () => { for (const subject of open.splice(0)) await subject.close(); });

  it('answer row by row from one warm process, whatever they print; the version is that of the answers', async () => {
    const subject = python('predictors:score', { version_from: '$.version' });
    await subject.start(quiet);
    const answers = await Promise.all([10, 50, 90].map((income) => subject.predict([{ income }], quiet)));
    assert.deepEqual(answers.map(([answer]) => Math.round(100 * ((answer as { document: { score: number } }).document.score))), [88, 50, 12]);
    assert.deepEqual(subject.version(), { kind: 'established', version: '14', by: 'the answers ($.version)' });
  });

  it('answer lists of rows, and methods of objects', async () => {
    const answers = await python('predictors:many', { batch: true }).predict([{ income: 50 }, { income: 50 }], quiet);
    assert.deepEqual(answers.map((answer) => (answer as { document: { score: number } }).document.score), [0.5, 0.5]);
    assert.deepEqual(await python('predictors:model.predict').predict([{ income: 7 }], quiet), [{ document: 7 }]);
    const short = await python('predictors:many', { batch: true }).predict([{ income: 50 }], quiet);
    assert.equal(short.length, 1);
  });

  it('that cannot be started say why', async () => {
    await assert.rejects(python('predictors:nothing').start(quiet), (error) => error instanceof AppError && error.code === 'validation' && error.message.includes("has no attribute 'nothing'"));
    await assert.rejects(python('no_such_module:f').start(quiet), /No module named 'no_such_module'/);
    await assert.rejects(program(['no-such-program-anywhere']).start(quiet), { code: 'notFound' });
  });

  it('tell an exception, a NaN and a crash with the end of the error stream, and answer the next row', async () => {
    const subject = python('predictors:odd');
    await subject.start(quiet);
    assert.deepEqual(await ask(subject, 'raise'), { failed: 'status', message: 'ValueError: no such country' });
    assert.deepEqual(await ask(subject, 'nan'), { document: { score: 'nan' } });
    const crashed = await ask(subject, 'crash');
    assert.ok(crashed !== undefined && 'failed' in crashed && crashed.failed === 'crash', JSON.stringify(crashed));
    assert.match(crashed.message, /python3 ended with code 3: [^]*the model fell over$/);
    assert.deepEqual(await ask(subject, 'well'), { document: { score: 0.5 } });
  });

  it('that hang are ended after the timeout, and the next row is answered', async () => {
    const subject = python('predictors:odd', { timeout_ms: 5000 });
    await subject.start(quiet);
    const hung = await ask(subject, 'hang');
    assert.ok(hung !== undefined && 'failed' in hung && hung.failed === 'timeout', JSON.stringify(hung));
    assert.deepEqual(await ask(subject, 'well'), { document: { score: 0.5 } });
  });

  it('that write more than 64 MB in a line are ended', async () => {
    const subject = python('predictors:odd', { timeout_ms: 50_000 });
    const huge = await ask(subject, 'huge');
    assert.ok(huge !== undefined && 'failed' in huge && huge.failed === 'garbage', JSON.stringify(huge).slice(0, 200));
    assert.match(huge.message, /more than 64 MB/);
  });

  it('that write garbage are told so, and noise before the first request is none', async () => {
    const subject = program(['python3', 'garbage.py'], { timeout_ms: 20_000 });
    await subject.start(quiet);
    assert.deepEqual(await ask(subject, 'garbage'), { failed: 'garbage', message: 'On stdout, which is for answers, stands: loading the model' });
    const answers = await Promise.all([ask(subject, 'garbage'), ask(subject, 'one')]);
    assert.ok(answers[0] !== undefined && 'failed' in answers[0] && answers[0].failed === 'garbage');
  });

  it('that end again and again are not started for ever', async () => {
    const subject = program(['python3', '-c', 'import sys; sys.stdin.readline(); sys.exit("out of memory")']);
    const answers: (RawAnswer | undefined)[] = [];
    for (let row = 0; row < 8; row += 1) answers.push(await ask(subject, 'x'));
    assert.ok(answers.every((answer) => answer !== undefined && 'failed' in answer && answer.failed === 'crash'));
    assert.match((answers[0] as { message: string }).message, /out of memory/);
    assert.match((answers[7] as { message: string }).message, /ended 5 times/);
  });

  it('leave no process behind: closed, cancelled in the middle, with children of their own', async () => {
    const subject = python('predictors:odd');
    const [answer] = await subject.predict([{ kind: 'child' }], quiet);
    const pid = (answer as { document: { score: number } }).document.score;
    assert.ok(groupIsAlive(pid));
    await subject.close();
    await eventually(() => !groupIsAlive(pid), 30_000);

    const other = python('predictors:odd');
    const [first] = await other.predict([{ kind: 'child' }], quiet);
    const otherPid = (first as { document: { score: number } }).document.score;
    const stop = new AbortController();
    const hanging = other.predict([{ kind: 'hang' }], stop.signal);
    setTimeout(() => stop.abort(), 200);
    await assert.rejects(hanging, { code: 'cancelled' });
    await other.close();
    await eventually(() => !groupIsAlive(otherPid), 30_000);
  });
});
