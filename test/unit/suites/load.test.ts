import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { getLanguageService } from 'yaml-language-server';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { loadSuite, type Suite } from '../../../src/core/suites/load.ts';
import { suiteJsonSchema } from '../../../src/core/suites/schema.ts';

const COMPLETE = `subject: {http: "\${MODEL_URL}", format: mlflow}
output: {proba: "$.predictions[0]", classes: [repaid, default]}
data: {file: fixtures/people.jsonl, sample: 500, seed: 7}
tests:
  - {id: name-blind, kind: invariance, change: {first_name: [Anna, Ahmed]}, tolerance: {abs: 0.01, rel: 0.02}, min_pass: 1.0, why: names carry no risk}
  - {id: income-up, kind: directional, change: {income: {add_pct: 20}}, class: default, expect: decrease, tolerance: {abs: 0.005}, min_pass: 0.98}
  - {id: sweep, kind: directional, sweep: {income: {from: 10, to: 100, steps: 10}}, class: default, expect: decrease}
  - {id: edges, kind: boundary, generate: from_signature, except: [long], expect: {finite: true, or_error: [400]}}
  - {id: known, kind: expectation, where: "late_payments > 5 and income < 20", slices: {young: "age < 25"}, expect: {that: "proba.default > 0.2"}, waive: {until: "2026-12-31", reason: known}}
  - id: text
    kind: invariance
    template: {column: text, texts: ["I {verb} this {thing}"], placeholders: {verb: [love, hate], thing: [film, book]}, vary: thing}
  - {id: latency, kind: performance, warmup: 20, samples: 300, concurrency: 1, limits_ms: {p50: 20, p95: 60}}
`;

function suiteOf(text: string): Suite {
  const { suite, problems } = loadSuite(text);
  assert.ok(suite, JSON.stringify(problems));
  return suite;
}

/** Problems as `line:column message`. */
function problemsOf(text: string): string[] {
  return loadSuite(text).problems.map(({ range, message, severity }) => `${range.start.line + 1}:${range.start.column + 1} ${severity === 'error' ? '' : `${severity} `}${message}`);
}

/** A suite of one test over one row, and what is wrong with it. */
function test(text: string, rest = ''): string[] {
  return problemsOf(`${rest === '' ? 'output: {score: $}' : rest}\ndata: {rows: [{age: 30}]}\ntests:\n  - ${text}\n`);
}

describe('suite files', () => {
  it('are read in full', () => {
    const suite = suiteOf(COMPLETE);
    assert.deepEqual(suite.tests.map(({ id, kind, severity }) => `${id} ${kind} ${severity}`), [
      'name-blind invariance block', 'income-up directional block', 'sweep directional block', 'edges boundary block', 'known expectation block', 'text invariance block', 'latency performance warn',
    ]);
    assert.equal(suite.seed, '7');
    assert.equal(suite.tests[4]?.range.start.line, 8);
    assert.deepEqual(suite.tests[4].slices.map(({ name }) => name), ['young']);
    assert.deepEqual(suiteOf('subject: {registry: candidate}\ndata: {rows: [{a: 1}]}\ntests: [{id: a, kind: expectation, expect: {finite: true}}]').subjects, { candidate: { registry: 'candidate' }, current: { registry: 'current' } });
  });

  it('tell the place and the mend of what is wrong', () => {
    assert.deepEqual(problemsOf('subject: {http: a, python: "b:c"}\ndata: {rows: [{a: 1}]}\ntests: [{id: a, kind: expectation, expect: {finite: true}}]'), ['1:28 A subject has one of http, python, exec and registry, not both http and python: keep one.']);
    assert.deepEqual(problemsOf('subject: {}\ndata: {rows: [{a: 1}]}\ntests: [{id: a, kind: expectation, expect: {finite: true}}]'), ['1:1 A subject needs one of http, python, exec or registry.']);
    assert.deepEqual(problemsOf('subject: {exec: [a], version_from: header:x, format: json}\ndata: {rows: [{a: 1}]}\ntests: [{id: a, kind: expectation, expect: {finite: true}}]'), ['1:54 format means nothing for a subject by exec: remove it.']);
    assert.deepEqual(test('{id: a, kind: expectation, expect: {between: [1, 0]}}'), ['4:50 No score lies between 1 and 0: swap them.']);
    assert.deepEqual(test('{id: a, kind: expectation, expect: {between: [2, 3]}}', 'output: {score: $, range: [0, 1]}'), ['4:50 No score lies there: the range of the output is 0 to 1.']);
    assert.deepEqual(test('{id: a, kind: expectation, expect: {label: yes}}'), ['4:32 A label is expected, and output names only a score: add label or proba to output.']);
    assert.deepEqual(test('{id: a, kind: invariance}'), ['4:5 The test a changes nothing: add change, or a template with vary.']);
    assert.deepEqual(test('{id: a, kind: invariance, tolernace: 1, change: {age: [1]}}'), ['4:31 Unknown key "tolernace" in tests[0]: correct its spelling, or remove it.']);
    assert.deepEqual(test('{id: a, kind: directional, expect: up, change: {age: [1]}}'), ['4:40 tests[0].expect must be increase or decrease.']);
    assert.deepEqual(test('{id: a, kind: invarience, change: {age: [1]}}'), ['4:19 tests[0].kind must be expectation, invariance, directional, boundary or performance.']);
    assert.deepEqual(test('{id: a, kind: performance, samples: 50, limits_ms: {p95: 10}}'), ['4:41 warning p95 needs at least 59 samples for a verdict: 50 can only be inconclusive.']);
    assert.deepEqual(test('{id: a, kind: expectation, min_pass: 98, expect: {finite: true}}'), ['4:42 tests[0].min_pass must be at most 1: write 0.98 for 98 %.']);
    assert.deepEqual(problemsOf('- 1'), ['1:1 The file must be a mapping that begins with subject: or tests:.']);
  });

  it('point into conditions and JSONPaths', () => {
    assert.match(test('{id: a, kind: expectation, where: "age > > 5", expect: {finite: true}}')[0] ?? '', /^4:46 This condition cannot be read: /);
    const [path] = test('{id: a, kind: expectation, expect: {finite: true}}', 'output: {score: "$.a["}');
    assert.match(path ?? '', /^1:2\d This is no JSONPath: .+\. Write for example \$\.predictions\[0\]\.$/);
    assert.match(test('{id: a, kind: expectation, expect: {that: "score >> 1"}}')[0] ?? '', /^4:5\d This condition cannot be read: /);
  });

  it('know twins, placeholders without values and tests without rows', () => {
    assert.deepEqual(problemsOf('tests:\n  - {id: a, kind: expectation, expect: {finite: true}}\n  - {id: a, kind: expectation, expect: {finite: true}}').map((line) => line.slice(0, 60)), [
      '2:5 The test a has no rows: add data to the suite or to the ', '3:5 The test a has no rows: add data to the suite or to the ', '3:10 The id a stands twice: give each test one of its own.',
    ]);
    assert.deepEqual(problemsOf('tests:\n  - {id: a, kind: invariance, template: {column: t, texts: ["{a} {bb}"], placeholders: {a: [1], b: [2]}, vary: c}}').map((line) => line.replace(/^\S+ /, '')), [
      'There are no values for {bb}. Did you mean "b"?', 'warning No text has {b}. Did you mean "a"?', 'There is no placeholder c. Did you mean "a"?',
    ]);
  });

  it('never throw, whatever stands in them', () => {
    for (const text of ['', 'null', '{', 'tests: 1', 'tests: [1, null, []]', 'subject: [1]', 'a: *b', '\0', 'tests: [{id: a, kind: expectation, expect: {that: "((((("}}]', 'data: {rows: [[1]]}']) assert.ok(loadSuite(text).problems.length > 0, text);
  });
});

describe('the schema of suite files', () => {
  const committed = readFileSync(new URL('../../../media/schemas/suite.schema.json', import.meta.url), 'utf8');
  it('is committed as it is generated (run scripts/schema.ts after a change)', () => assert.equal(committed, `${JSON.stringify(suiteJsonSchema(), null, 2)}\n`));

  it('completes and checks in an editor', async () => {
    const service = getLanguageService({ schemaRequestService: (uri: string) => Promise.reject(new Error(uri)), workspaceContext: { resolveRelativePath: () => '' } });
    service.configure({ completion: true, hover: true, validate: true, schemas: [{ uri: 'modelswitch://suite', fileMatch: ['*.mltest.yaml'], schema: JSON.parse(committed) as unknown }] });
    let version = 0;
    // The language server keeps what it found by address and version.
    const document = (text: string): TextDocument => TextDocument.create('file:///a.mltest.yaml', 'yaml', version += 1, text);
    assert.deepEqual(await service.doValidation(document(COMPLETE), false), []);
    assert.notDeepEqual(await service.doValidation(document(COMPLETE.replace('min_pass: 1.0', 'min_pass: 98')), false), []);
    const { items } = await service.doComplete(document('subject:\n  \n'), { line: 1, character: 2 }, false);
    assert.ok(['http', 'python', 'exec', 'registry'].every((key) => items.some(({ label }) => label === key)), items.map(({ label }) => label).join());
  });
});
