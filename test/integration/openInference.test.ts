import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { HttpSubject } from '../../src/adapters/predictors/httpSubject.ts';
import type { SubjectContent } from '../../src/core/suites/schema.ts';
import type { Failure } from '../../src/core/suites/subject.ts';
import { startMlserver } from '../support/mlserver.ts';
import { run } from '../support/suiteRuns.ts';

const quiet = new AbortController().signal;

describe('the Open Inference Protocol, by a real MLServer', function () {
  this.timeout(60_000);
  let server: Awaited<ReturnType<typeof startMlserver>>;
  before(async function start() {
    this.timeout(900_000);
    server = await startMlserver();
  });
  after(() => server.stop());

  it('is spoken: batches, types by the metadata, probabilities, the version of the answers', async () => {
    const content: SubjectContent = { http: server.url, format: 'kserve-v2', model: 'risk', batch_size: 8 };
    const subject = new HttpSubject(server.url, content);
    try {
      const ran = await run(`output: {proba: "$.outputs[0].data", classes: [repaid, default]}
data: {rows: [${[20, 50, 80].map((income) => `{income: ${income}, name: Tom}`).join(', ')}]}
tests:
  - {id: income-up, kind: directional, change: {income: {add: 10}}, class: default, expect: decrease}
  - {id: name-blind, kind: invariance, change: {name: [Anna, Ahmed]}, compare: score, tolerance: 0.001}
  - {id: same-label, kind: invariance, change: {name: [Anna]}}
  - {id: typed, kind: expectation, where: "income == 20", expect: {label: default, that: "proba.default > 0.81 and proba.default < 0.82"}}
`, subject);
      assert.deepEqual(ran.report.suites[0]?.tests.map(({ id, outcome, counts }) => [id, outcome, counts.failed, counts.errors]), [['income-up', 'passed', 0, 0], ['name-blind', 'failed', 3, 0], ['same-label', 'passed', 0, 0], ['typed', 'passed', 0, 0]]);
      assert.deepEqual(ran.report.suites[0].version, { kind: 'established', version: 'v7', by: 'the answers ($.model_version)' });
      const [missing] = await subject.predict([{ name: 'Tom' }], quiet);
      assert.equal((missing as Failure).failed, 'status');
      assert.equal((missing as Failure).status, 400);
    } finally {
      await subject.close();
    }
    const [none] = await new HttpSubject(server.url, { ...content, model: 'nothing' }).predict([{ income: 1 }], quiet);
    assert.equal((none as Failure).status, 404);
  });
});

describe('subjects over HTTP', () => {
  let server: Server | undefined;
  async function answering(listener: RequestListener): Promise<string> {
    server = createServer(listener);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  }
  afterEach(() => { server?.closeAllConnections(); server?.close(); });

  const body = async (request: Parameters<RequestListener>[0]): Promise<string> => { let text = ''; for await (const chunk of request) text += String(chunk); return text; };
  const failed = async (subject: HttpSubject, signal = quiet): Promise<Failure> => {
    const [answer] = await subject.predict([{ a: 1 }], signal);
    assert.ok(answer !== undefined && 'failed' in answer, JSON.stringify(answer));
    return answer;
  };

  it('send JSON by a template, one row or several, and find the version in a header', async () => {
    const seen: unknown[] = [];
    const url = await answering((request, response) => void body(request).then((text) => {
      seen.push(JSON.parse(text));
      response.setHeader('x-version', '9');
      response.end(JSON.stringify({ results: [{ s: 1 }, { s: 2 }] }));
    }));
    const several = new HttpSubject(url, { http: url, format: 'json', request: { items: '{{rows}}', mode: 'test' }, answers: '$.results', version_from: 'header:X-Version' });
    assert.deepEqual(await several.predict([{ a: 1 }, { a: 2 }], quiet), [{ document: { s: 1 } }, { document: { s: 2 } }]);
    assert.deepEqual(several.version(), { kind: 'established', version: '9', by: 'the answers (header:X-Version)' });
    const one = new HttpSubject(url, { http: url, format: 'json', request: { applicant: '{{row}}', income: '{{a}}', words: 'a is {{a}}, b {{b}}' } });
    assert.equal(one.batchSize, 1);
    await one.predict([{ a: 1 }], quiet);
    assert.deepEqual(seen, [{ items: [{ a: 1 }, { a: 2 }], mode: 'test' }, { applicant: { a: 1 }, income: 1, words: 'a is 1, b ' }]);
    await several.close();
    await one.close();
  });

  it('tell status, garbage, too few answers, NaN, a broken connection, a timeout and a redirect apart', async () => {
    let mode = '';
    const url = await answering((request, response) => {
      request.resume();
      if (mode === 'status') response.writeHead(422).end('{"detail": "a is wrong"}');
      if (mode === 'garbage') response.end('<html>Bad gateway</html>');
      if (mode === 'few') response.end('{"predictions": []}');
      if (mode === 'nan') response.end('{"predictions": [NaN], "note": "NaN stays"}');
      if (mode === 'broken') { response.writeHead(200, { 'content-length': '1000' }); response.write('{'); setTimeout(() => response.destroy(), 20); }
      if (mode === 'redirect') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    });
    // Whoever is to be answered waits as long as a busy machine takes.
    const [subject, impatient] = [20_000, 400].map((ms) => new HttpSubject(url, { http: url, timeout_ms: ms })) as [HttpSubject, HttpSubject];
    const told: string[] = [];
    for (mode of ['status', 'garbage', 'few', 'broken', 'timeout', 'redirect']) {
      const { failed: kind, status, message } = await failed(mode === 'timeout' ? impatient : subject);
      told.push(`${mode}: ${kind}${status === undefined ? '' : ` ${status}`}`);
      if (mode === 'status') assert.equal(message, 'The server answered 422: {"detail": "a is wrong"}');
    }
    assert.deepEqual(told, ['status: status 422', 'garbage: garbage', 'few: garbage', 'broken: unreachable', 'timeout: timeout', 'redirect: status 302']);
    mode = 'nan';
    assert.deepEqual(await subject.predict([{ a: 1 }], quiet), [{ document: { predictions: ['NaN'], note: 'NaN stays' } }]);
    assert.match((await failed(new HttpSubject('http://127.0.0.1:1', {}))).message, /cannot be reached \(ECONNREFUSED\)/);
    const stop = new AbortController();
    mode = 'timeout';
    setTimeout(() => stop.abort(), 50);
    await assert.rejects(subject.predict([{ a: 1 }], stop.signal), { code: 'cancelled' });
    for (const each of [subject, impatient]) await each.close();
  });

  it('are unverified when their answers come from several versions', async () => {
    let asked = 0;
    const url = await answering((_request, response) => { asked += 1; response.end(JSON.stringify({ predictions: [1], v: asked > 3 ? '2' : '1' })); });
    const subject = new HttpSubject(url, { http: url, version_from: '$.v' });
    const { report } = await run('data: {rows: [{a: 1}, {a: 2}, {a: 3}], columns: [a]}\ntests: [{id: a, kind: boundary, edges: {a: [1, 2, 3]}, expect: {finite: true}}]', subject);
    assert.deepEqual(report.suites[0]?.version, { kind: 'unverified', reason: 'the answers came from several versions: 1, 2' });
    await subject.close();
  });
});
