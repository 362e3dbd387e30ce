import assert from 'node:assert/strict';
import { finishRelease } from '../../src/core/refactor/finishRelease.ts';
import type { FinishResult, Keep } from '../../src/core/refactor/model.ts';
import { pythonParser } from '../unit/callsites/parser.ts';
import { randomProgram } from '../support/refactor/randomPrograms.ts';
import { applied, readWrapCases, wrap } from '../support/refactor/wraps.ts';
import { execute, expectedText, FLAG, readPrograms, sitesOf, slice, unusedNames, type Execution, type Outcome, type Program } from '../support/refactor/programs.ts';

interface Case {
  readonly program: Program;
  readonly keep: Keep;
  readonly result: FinishResult;
  readonly rewritten: readonly { readonly path: string; readonly text: string }[];
  before: Outcome;
  after: Outcome;
  unusedBefore: Readonly<Record<string, readonly string[]>>;
  unusedAfter: Readonly<Record<string, readonly string[]>>;
}

const programs = readPrograms();

async function finished(program: Program, keep: Keep): Promise<{ readonly result: FinishResult; readonly rewritten: Case['rewritten'] }> {
  const parser = await pythonParser();
  const result = finishRelease(program.files, { flag: FLAG, keep, variant: 'v2' }, await sitesOf(program), (text) => parser.parse(text));
  const rewritten = program.files.map(({ path, text }) => ({ path, text: result.files.find(({ file }) => file === path)?.text ?? text }));
  return { result, rewritten };
}

/** The reasons that comments `# left: reason` announce for the calls on their lines. */
function announced({ files }: Program, keep: Keep): readonly { readonly at: string; readonly reason: RegExp }[] {
  return files.flatMap(({ path, text }) => text.split('\n').flatMap((line, index) => {
    const [, when, reason] = /# left(?:\((\w+)\))?: (.*)$/.exec(line) ?? [];
    return reason === undefined || (when !== undefined && when !== keep) ? [] : [{ at: `${path}:${index + 1}`, reason: new RegExp(reason) }];
  }));
}

describe('finish release, proved by execution', () => {
  const cases: Case[] = [];

  before(async function prove() {
    this.timeout(120_000);
    for (const program of programs) {
      for (const keep of ['candidate', 'current'] as const) cases.push({ program, keep, ...await finished(program, keep) } as Case);
    }
    const outcomes = execute(cases.flatMap(({ program, keep, result, rewritten }) => [
      { files: program.files, on: keep === 'candidate', forbidden: false },
      { files: rewritten, on: keep === 'candidate', forbidden: result.left.every(({ kind }) => kind !== 'call') },
    ]));
    const unused = unusedNames(cases.flatMap(({ program, rewritten }) => [program.files, rewritten]));
    for (const [index, each] of cases.entries()) {
      [each.before, each.after] = [outcomes[2 * index]!, outcomes[2 * index + 1]!];
      [each.unusedBefore, each.unusedAfter] = [unused[2 * index]!, unused[2 * index + 1]!];
    }
  });

  it('is tried on at least 60 programs', () => assert.ok(programs.length >= 60, String(programs.length)));

  for (const { name } of programs) {
    for (const keep of ['candidate', 'current'] as const) {
      it(`${name}, keep ${keep}`, () => {
        const { program, result, rewritten, before, after, unusedBefore, unusedAfter } = cases.find((each) => each.program.name === name && each.keep === keep)!;
        const shown = rewritten.map(({ text }) => text).join('\n');
        assert.deepEqual(after, before, `${shown}\n${JSON.stringify(result.left, null, 1)}`);
        assert.ok(!/Error/.test(before.end), before.end);
        const left = result.left.filter(({ kind }) => kind === 'call');
        const expected = announced(program, keep);
        assert.deepEqual(left.map(({ file, range }) => `${file}:${range.start.line + 1}`), expected.map(({ at }) => at), JSON.stringify(left, null, 1));
        for (const [index, { reason }] of expected.entries()) assert.match(left[index]!.reason, reason);
        for (const [path, names] of Object.entries(unusedAfter)) {
          const told = result.left.filter(({ kind, file }) => kind === 'unused' && file === path).map(({ range }) => slice(program.files.find((file) => file.path === path)!.text, range));
          const fresh = names.filter((each) => !(unusedBefore[path] ?? []).includes(each) && !told.some((word) => each.split(/[ .]/).includes(word)));
          assert.deepEqual(fresh, [], `unused in\n${shown}`);
        }
        const text = expectedText(name, keep);
        if (text !== undefined) assert.equal(shown, text);
      });
    }
  }

  it('has nothing to do a second time', async () => {
    for (const { program, keep, rewritten, result } of cases) {
      const again = await finished({ ...program, files: rewritten }, keep);
      assert.deepEqual(again.result.files.map(({ text }) => text), [], program.name);
      assert.equal(again.result.left.filter(({ kind }) => kind === 'call').length, result.left.filter(({ kind }) => kind === 'call').length, program.name);
    }
  });

  it('gives edits that lead from the text before to the text after', () => {
    for (const { program, result } of cases) {
      for (const { file, edits, text } of result.files) {
        const before = program.files.find(({ path }) => path === file)!.text;
        const lines = before.split('\n');
        const offset = ({ line, character }: { line: number; character: number }): number => lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0) + character;
        const after = edits.toReversed().reduce((now, { range, text: inserted }) => now.slice(0, offset(range.start)) + inserted + now.slice(offset(range.end)), before);
        assert.equal(after, text);
      }
    }
  });
});

describe('finish release on random programs', () => {
  const COUNT = 2000;

  it(`leaves ${COUNT} of them behaving as they did`, async function prove() {
    this.timeout(300_000);
    const made: { readonly seed: number; readonly keep: Keep; readonly text: string; readonly result: FinishResult; readonly rewritten: Case['rewritten'] }[] = [];
    for (let seed = 1; seed <= COUNT; seed += 1) {
      const text = randomProgram(seed);
      const program: Program = { name: String(seed), files: [{ path: 'main.py', text }] };
      const keep = seed % 2 === 0 ? 'candidate' : 'current';
      made.push({ seed, keep, text, ...await finished(program, keep) });
    }
    const outcomes = execute(made.flatMap(({ keep, text, result, rewritten }) => [
      { files: [{ path: 'main.py', text }], on: keep === 'candidate', forbidden: false },
      { files: rewritten, on: keep === 'candidate', forbidden: result.left.every(({ kind }) => kind !== 'call') },
    ]));
    const removed = made.reduce((sum, { result }) => sum + result.removed, 0);
    const left = made.reduce((sum, { result }) => sum + result.left.filter(({ kind }) => kind === 'call').length, 0);
    for (const [index, { seed, keep, text, rewritten }] of made.entries()) {
      assert.deepEqual(outcomes[2 * index + 1], outcomes[2 * index], `seed ${seed}, keep ${keep}\n${text}\n--------\n${rewritten[0]!.text}`);
    }
    const valid = outcomes.filter(({ end }) => end === 'ok').length;
    assert.ok(valid > 0.9 * outcomes.length, `only ${valid} of ${outcomes.length} ran to their end`);
    assert.ok(left < 0.02 * removed, `${left} left, ${removed} removed`);
  });
});

describe('wrap in a model switch, proved by execution', () => {
  it('behaves as before while the flag is off, and runs while it is on', async () => {
    const wrapped = await Promise.all(readWrapCases().filter(({ name, expected }) => name !== 'placeholders' && !expected.startsWith('refused')).map(async ({ name, text, selection }) => ({ name, text, after: applied(text, await wrap(text, selection, FLAG)) })));
    const program = (text: string, on: boolean): Execution => ({ files: [{ path: 'main.py', text }], on, forbidden: false });
    const outcomes = execute(wrapped.flatMap(({ text, after }) => [program(text, false), program(after, false), program(after, true)]));
    assert.ok(wrapped.length >= 9, String(wrapped.length));
    for (const [index, { name, after }] of wrapped.entries()) {
      const [before, off, on] = outcomes.slice(3 * index);
      assert.deepEqual(off, before, `${name}\n${after}`);
      assert.deepEqual([before!.end, on!.end], ['ok', 'ok'], `${name}\n${after}`);
    }
  });
});
