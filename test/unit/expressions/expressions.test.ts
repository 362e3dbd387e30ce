import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { compileCondition, compileNumber, compileValue, OPEN_FIELDS } from '../../../src/core/expressions/expression.ts';
import type { Compiled, FieldTypes } from '../../../src/core/expressions/expression.ts';

const FIELDS: FieldTypes = { fields: { error: 'text', latency_ms: 'number', score: 'number', fallback: 'boolean', features: 'open', outcome: 'any' }, others: false };

function evaluated<T>(compiled: Compiled<T>, record: Record<string, unknown>): T | null {
  if ('problem' in compiled) assert.fail(compiled.problem.message);
  return compiled.expression.evaluate(record);
}

const condition = (text: string, record: Record<string, unknown>): boolean | null => evaluated(compileCondition(text, FIELDS), record);
const open = (text: string, record: Record<string, unknown>): boolean | null => evaluated(compileCondition(text, OPEN_FIELDS), record);

function problem(text: string, fields = FIELDS): { message: string; at: string } {
  const compiled = compileCondition(text, fields);
  if (!('problem' in compiled)) assert.fail(`${text} was accepted`);
  const { message, start, end } = compiled.problem;
  return { message, at: text.slice(start, end) };
}

describe('expressions', () => {
  it('compare, calculate and join, the tighter operator first', () => {
    assert.equal(condition('latency_ms > 80', { latency_ms: 81 }), true);
    assert.equal(condition('latency_ms > 80', { latency_ms: 80 }), false);
    assert.equal(condition('score * 2 + 1 == 2 and not fallback', { score: 0.5, fallback: false }), true);
    assert.equal(condition('score + 1 * 2 == 3', { score: 1 }), true);
    assert.equal(condition('score - 1 - 1 == 1', { score: 3 }), true);
    assert.equal(condition('fallback or fallback and error', { fallback: true }), true);
    assert.equal(condition('(fallback or fallback) and error', { fallback: true }), false);
    assert.equal(condition('abs(score - 0.5) < 0.1 || max(score, 0.2) >= .9', { score: 0.95 }), true);
    assert.equal(condition('-score < -0.4', { score: 0.5 }), true);
    assert.equal(condition('not not fallback', { fallback: true }), true);
  });

  it('read fields at any depth, with odd names in backquotes', () => {
    assert.equal(condition('features.country in ["DE", "FR"]', { features: { country: 'FR' } }), true);
    assert.equal(condition('features.country not in ["DE"]', { features: { country: 'FR' } }), true);
    assert.equal(condition('features.`loan amount` > 5', { features: { 'loan amount': 6 } }), true);
    assert.equal(open('a.b.c == 1', { a: { b: { c: 1 } } }), true);
    assert.equal(open('a.b.c == 1', { a: 3 }), null);
    assert.deepEqual(evaluated(compileValue('lower(features.country)', FIELDS), { features: { country: 'DE' } }), 'de');
  });

  it('take a text as a condition when it is there', () => {
    for (const error of [undefined, null, '', false]) assert.equal(condition('error', { error }), false);
    for (const error of ['timeout', true]) assert.equal(condition('error', { error }), true);
    assert.equal(condition('error == "timeout"', { error: 'timeout' }), true);
    assert.equal(condition('error == "timeout"', {}), null);
  });

  it('take for nothing what loggers write for nothing, and never what says something', () => {
    for (const error of ['None', 'null', 'NULL', 'N/A', 'na', '<NA>', 'NaT', 'nan', '-inf', 'nil', '<nil>', 'undefined', '-', '\\N', ' None ', '[]', '[ ]', '0', '0.0', '-0', '1e999', 'False', [], [null], [[]], ['', 'None'], { code: null }, { code: 0, causes: [''] }]) assert.equal(condition('error', { error }), false, JSON.stringify(error));
    for (const error of ['none of them answered', 'Null pointer', 'n', 'fail', 'false alarm', 'nilpotent', 'undefined x', 'info', 'index', '--', '[x]', '{"code": 5}', '502', '0x1', '{}', {}, [{}], { code: 0, causes: [{}] }, ['timeout'], [[{ code: 5 }]], { code: 5 }, { causes: [{}, { text: 'timeout' }] }, new Date(0)]) assert.equal(condition('error', { error }), true, JSON.stringify(error));
    let deep: unknown = [];
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    assert.equal(condition('error', { error: deep }), false);
    const long = performance.now();
    assert.equal(condition('error', { error: `${' '.repeat(200_000)}x` }), true);
    assert.ok(performance.now() - long < 1000);
  });

  it('take the empty text for a field whose absence says something, but where somebody asks for that', () => {
    const types: FieldTypes = { ...FIELDS, emptyWhereAbsent: ['error'] };
    const told = (text: string, record: Record<string, unknown>): boolean | null => evaluated(compileCondition(text, types), record);
    for (const record of [{}, { error: null }, { error: '' }, { error: false }, { error: Number.NaN }]) {
      for (const text of ['error == "timeout"', 'starts_with(error, "time")', 'contains(lower(error), "time")', 'error in ["timeout"]', '"timeout" == error', 'length(error) > 0', 'error != ""', 'error']) assert.equal(told(text, record), false, text);
      for (const text of ['error == ""', 'error != "timeout"', 'error not in ["timeout"]', 'not (error == "timeout")']) assert.equal(told(text, record), true, text);
    }
    assert.deepEqual([told('error == "timeout"', { error: 'timeout' }), told('starts_with(error, "time")', { error: 'timeout' }), told('error == "timeout"', { error: { code: 5 } })], [true, true, null]);
    assert.deepEqual([told('error is null', {}), told('error is not null', {}), told('coalesce(error, "none") == "none"', {}), told('coalesce(error, "none") == "none"', { error: 'x' })], [true, false, true, false]);
    // A latency that is not told decides nothing that the error has decided.
    const either = 'latency_ms > 80 or error == "timeout"';
    assert.deepEqual([told(either, { error: 'timeout' }), told(either, { latency_ms: 90 }), told(either, { latency_ms: 9 }), told(either, {})], [true, true, false, null]);
  });

  it('compare fields of any type as every format of a log has them', () => {
    const alike: readonly (readonly [unknown, unknown])[] = [[1, '1'], [true, 1], ['true', true], ['true', 1], ['False', 0], ['1.0', 1], ['10', 10.0], ['1e1', '10'], ['x', 'x'], ['0012', '0012']];
    for (const [a, b] of alike) for (const record of [{ a, b }, { a: b, b: a }]) assert.deepEqual([open('a == b', record), open('a != b', record), open('a <= b', record)], [true, false, true], JSON.stringify(record));
    const different: readonly (readonly [unknown, unknown])[] = [[true, 5], ['0012', '12'], ['0012', 12], ['x', 1], ['true', 'yes'], ['12345678901234567890', '12345678901234567891']];
    for (const [a, b] of different) for (const record of [{ a, b }, { a: b, b: a }]) assert.deepEqual([open('a == b', record), open('a != b', record)], [false, true], JSON.stringify(record));
    for (const [a, b] of [['10', '9'], [10, '9'], ['10', 9], [10, 9]]) assert.deepEqual([open('a < b', { a, b }), open('a > b', { a, b })], [false, true]);
    assert.deepEqual([open('a < b', { a: 'x', b: 1 }), open('a > b', { a: 'x', b: 1 }), open('a < b', { a: 'x', b: 'y' })], [false, false, true]);
    for (const label of [true, 'true', 'True', 1, '1']) assert.deepEqual([open('label == 1', { label }), open('label != outcome', { label, outcome: 1 }), open('label != outcome', { label, outcome: true })], [true, false, false], JSON.stringify(label));
    assert.deepEqual([condition('score % 3 == -2', { score: -5 }), condition('score % -3 == 2', { score: 5 })], [true, true], 'the remainder has the sign of what is divided');
  });

  it('take dates of Parquet for the texts that other formats have', () => {
    const [day, time, none] = [new Date('2026-03-02'), new Date('2026-03-02T10:00:00Z'), new Date(Number.NaN)];
    for (const at of [day, '2026-03-02']) {
      for (const [text, expected] of [["features.at != '2026-01-01'", true], ["features.at >= '2026-03-02'", true], ["features.at < '2026-03-02'", false], ["features.at in ['2026-03-02']", true], ["starts_with(features.at, '2026')", true], ['features.at > 5', null], ['features.at is null', false]] as const) {
        assert.equal(open(text, { features: { at } }), expected, `${text} ${String(at)}`);
      }
    }
    assert.equal(open("features.at == '2026-03-02T10:00:00.000Z'", { features: { at: time } }), true);
    assert.equal(open("features.at == features.other", { features: { at: day, other: '2026-03-02' } }), true);
    for (const text of ["features.at != '2026'", 'features.at == features.at']) assert.equal(open(text, { features: { at: none } }), null);
  });

  it('are refused where a part has no value, whatever the record is', () => {
    for (const [text, at] of [['latency_ms > 1 / 0', '1 / 0'], ['latency_ms > log(0) or error', 'log(0)'], ['score * (2 - 2) / (1 - 1) > 0', '']] as const) {
      const compiled = compileCondition(text, FIELDS);
      if (at === '') assert.ok('expression' in compiled, text);
      else assert.deepEqual([problem(text).at, /has no value, whatever the record is/.test(problem(text).message)], [at, true]);
    }
    assert.equal(condition('latency_ms > 160 / 2', { latency_ms: 81 }), true);
  });

  it('give null where the record does not tell, and let the other side decide where it can', () => {
    for (const latency of [undefined, null, Number.NaN, 'slow', {}, []]) assert.equal(condition('latency_ms > 80', { latency_ms: latency }), null);
    assert.equal(condition('latency_ms > 80 or error', { error: 'x' }), true);
    assert.equal(condition('error and latency_ms > 80', {}), false);
    assert.equal(condition('not (latency_ms > 80)', {}), null);
    assert.equal(condition('latency_ms is null', {}), true);
    assert.equal(condition('latency_ms is not null', { latency_ms: 0 }), true);
    assert.equal(condition('coalesce(latency_ms, 0) > 80', {}), false);
    assert.equal(condition('score / 0 > 1', { score: 1 }), null);
    assert.equal(condition('log(score) > 1', { score: 0 }), null);
    assert.equal(condition('features.x in ["a"]', {}), null);
  });

  it('read numbers and truth that stand as text, and never a function of the record\'s prototype', () => {
    assert.equal(condition('features.age >= 18', { features: { age: '21' } }), true);
    assert.equal(condition('latency_ms > 80', { latency_ms: ' 8.1e1 ' }), true);
    assert.equal(condition('features.zip == "0012"', { features: { zip: '0012' } }), true);
    assert.equal(condition('features.ok == true', { features: { ok: 'False' } }), false);
    assert.equal(condition('features.a == features.b', { features: { a: 1, b: '1.0' } }), true);
    assert.equal(condition('features.a == features.b', { features: { a: 'x', b: 1 } }), false);
    assert.equal(open('constructor is null and toString is null and `__proto__` is null', {}), true);
  });

  it('give numbers for means, true as 1', () => {
    assert.equal(evaluated(compileNumber('fallback', FIELDS), { fallback: true }), 1);
    assert.equal(evaluated(compileNumber('outcome', FIELDS), { outcome: true }), 1);
    assert.equal(evaluated(compileNumber('outcome', FIELDS), { outcome: '0.25' }), 0.25);
    assert.equal(evaluated(compileNumber('score > 0.5', FIELDS), { score: 0.6 }), 1);
  });

  it('say which fields they read', () => {
    const compiled = compileCondition('error or features.a > latency_ms', FIELDS);
    assert.ok('expression' in compiled);
    assert.deepEqual(compiled.expression.paths, [['error'], ['features', 'a'], ['latency_ms']]);
  });

  const wrong: readonly (readonly [string, string, string])[] = [
    ['', '', 'the expression is empty'],
    ['latency_ms >', '', 'the end is not expected here'],
    ['latency_ms = 3', '=', 'write == to compare'],
    ['latency_ms > 80 error', 'error', 'an operator such as and'],
    ['latencyms > 80', 'latencyms', 'Did you mean "latency_ms"'],
    ['score > "high"', 'score > "high"', 'compares a number with a text'],
    ['latency_ms', 'latency_ms', 'compare it, such as > 0'],
    ['error and score', 'score', 'and takes true or false'],
    ['"abc', '"abc', 'is not closed'],
    ['(score > 1', '', ') is missing'],
    ['score == null', '== null', 'write is null'],
    ['score != null', '!= null', 'write is not null'],
    ['1 < score < 2', '<', 'cannot be chained'],
    ['features > 1', 'features', 'name one of them'],
    ['score.x > 1', 'score.x', 'holds no fields'],
    ['eval("1")', 'eval', 'there is no function eval'],
    ['constructor("1")', 'constructor', 'there is no function constructor'],
    ['abs(1, 2) > 0', 'abs(1, 2)', 'abs takes 1 value, not 2'],
    ['error in [1, "a"]', '"a"', 'values of one type'],
    ['error in [score]', 'score', 'a list holds texts'],
    ['error in "a"', '"a"', '[ is missing after in'],
    ['score > 1 & error', '&', 'write and instead'],
    ['score > 1 # 2', '#', 'is not known'],
    ['fallback > true', 'fallback', 'takes numbers or texts'],
    ['in > 1', 'in', 'written `in`'],
  ];
  for (const [text, at, message] of wrong) {
    it(`refuse ${JSON.stringify(text)} at its place`, () => {
      const found = problem(text);
      assert.equal(found.at, at);
      assert.match(found.message, new RegExp(message.replace(/[()[\]|.]/g, '\\$&')));
    });
  }

  it('refuse what nests without end', () => {
    assert.match(problem('('.repeat(5000)).message, /longer than/);
    assert.match(problem('('.repeat(1000)).message, /nests deeper/);
    const chains = ['not '.repeat(400) + 'fallback', '-'.repeat(1500) + 'score > 0', Array.from({ length: 150 }, () => 'fallback').join(' and ')];
    for (const text of chains) assert.notEqual(condition(text, { fallback: true, score: 1 }), undefined);
  });

  it('never throw, whatever the text and the record are', () => {
    const word = fc.constantFrom('error', 'score', 'features.x', 'and', 'or', 'not', '>', '==', '(', ')', '1', '"a"', 'in', '[', ']', ',', 'is', 'null', '-', 'abs', 'x', '`', '.');
    fc.assert(fc.property(fc.array(word, { maxLength: 12 }), fc.dictionary(fc.constantFrom('error', 'score', 'features', 'x'), fc.anything()), (words, record) => {
      const compiled = compileCondition(words.join(' '), OPEN_FIELDS);
      if ('problem' in compiled) {
        assert.ok(compiled.problem.start <= compiled.problem.end && compiled.problem.end <= words.join(' ').length);
      } else {
        assert.ok([true, false, null].includes(compiled.expression.evaluate(record)));
      }
    }), { seed: 20_261_130, numRuns: 2000 });
    fc.assert(fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (text) => void compileCondition(text, OPEN_FIELDS)), { seed: 20_261_130, numRuns: 1000 });
  });
});
