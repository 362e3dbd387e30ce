import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mock } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FoundTrainingData } from '../../../src/adapters/quality/reference.ts';
import { WorkerSource } from '../../../src/adapters/quality/workerSource.ts';
import { AppError } from '../../../src/core/base/errors.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { ReleaseHistory } from '../../../src/core/quality/productionShare.ts';
import type { QualityRequest } from '../../../src/core/quality/window.ts';
import { QualityReader, refreshAll, type QualityReading, type QualitySubject } from '../../../src/extension/quality/qualityReader.ts';
import { lines, records, recordsOfToday } from '../../support/qualityRecords.ts';

const script = fileURLToPath(new URL('../../../src/adapters/quality/quality.worker.ts', import.meta.url));
const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }] };

describe('reading quality for the editor', () => {
  let folder: string;
  let readers: QualityReader[] = [];

  beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'modelswitch-reader-'))));
  afterEach(() => {
    for (const reader of readers) reader.dispose();
    readers = [];
    rmSync(folder, { recursive: true, force: true });
  });

  function reader(section: unknown, given: { mayRead?: () => boolean; headers?: (origin: string) => Promise<Record<string, string>>; training?: () => Promise<FoundTrainingData>; history?: () => Promise<ReleaseHistory> } = {}): { reader: QualityReader; seen: QualityReading[] } {
    const { quality, problems } = readQuality({ ...METRICS, ...section as object });
    assert.deepEqual(problems, []);
    const model = { name: 'fraud', switches: [{ flag: 'fraud-v2' }] };
    const subject = { folder: { uri: { fsPath: folder } }, model, definition: quality, environment: 'production' } as unknown as QualitySubject;
    const seen: QualityReading[] = [];
    const made: QualityReader = new QualityReader(subject, {
      script, clock: { now: () => Date.now(), after: () => assert.fail() }, mayRead: given.mayRead ?? (() => true), headers: given.headers ?? (() => Promise.resolve({})), history: given.history ?? (() => Promise.resolve(undefined)),
      training: given.training ?? (() => assert.fail()),
    }, () => void seen.push(made.reading));
    readers.push(made);
    return { reader: made, seen };
  }

  it('tells what it read, compared in the first environment', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 3000 })));
    const { reader: it, seen } = reader({ source: { log: 'log.jsonl' } });
    await Promise.all([it.refresh(), it.refresh()]);
    assert.deepEqual(seen.map(({ loading }) => loading), [true, false]);
    assert.equal(it.reading.report?.metrics[0]?.candidate.n, it.reading.data?.arms.find(({ arm }) => arm === 'candidate')?.requests);
    assert.ok(Object.isFrozen(seen[0]) || seen[0] !== seen[1]);
  });

  it('reads two logs at a time where there are many, beside sources that wait for somebody else', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 300 })));
    const logs = Array.from({ length: 5 }, () => reader({ source: { log: 'log.jsonl' } }).reader);
    const { reader: other } = reader({ source: { exec: ['sleep', '60'] } });
    const all = refreshAll([...logs, other]);
    assert.deepEqual([...logs, other].map(({ reading }) => reading.loading), [true, true, false, false, false, true]);
    // One of the first two fails; that holds up nobody.
    logs[0]?.cancel();
    while (!logs.slice(1).every(({ reading: { data, loading } }) => data !== undefined && !loading)) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual([logs[0]?.reading.data, other.reading.loading], [undefined, true]);
    other.cancel();
    await all;
  });

  it('keeps what was read when the source fails, with the reason and the age', async () => {
    writeFileSync(join(folder, 'windows.json'), JSON.stringify({ windows: [{ arm: 'current', environment: 'production', start: 1.7e12, end: 1.7e12 + 1000, requests: 5, metrics: { errors: { n: 5, sum: 1 } } }], design_effect: 1 }));
    const { reader: it } = reader({ source: { exec: ['cat', 'windows.json'] } });
    await it.refresh();
    const { data, readAt } = it.reading;
    assert.equal(data?.windows.length, 1);
    rmSync(join(folder, 'windows.json'));
    await it.refresh();
    assert.deepEqual([it.reading.data, it.reading.readAt, it.reading.loading], [data, readAt, false]);
    assert.match(it.reading.error?.message ?? '', /cat failed with exit code 1/);
    writeFileSync(join(folder, 'windows.json'), JSON.stringify({ windows: [], design_effect: 1 }));
    await it.refresh();
    assert.deepEqual([it.reading.error, it.reading.data?.windows], [undefined, []]);
  });

  it('goes on as the file said before while that has an error, and tells that with every reading', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 300 })));
    const { reader: it, seen } = reader({ source: { log: 'log.jsonl' } });
    await it.refresh();
    const wrong = new AppError('validation', 'modelswitch.yaml:9 is wrong');
    const told = seen.length;
    it.hold(wrong);
    it.hold(new AppError('validation', 'modelswitch.yaml:9 is wrong'));
    assert.deepEqual([seen.length - told, it.reading.wrong, it.reading.error, it.reading.data !== undefined], [1, wrong, undefined, true]);
    const { readAt } = it.reading;
    await it.refresh();
    // The source was read, and the guard goes by it.
    assert.deepEqual([it.reading.wrong, it.reading.error, (it.reading.readAt ?? 0) >= (readAt ?? 0)], [wrong, undefined, true]);
    it.follow(it.reading);
    assert.deepEqual([it.reading.wrong, seen.at(-1)?.wrong], [undefined, undefined]);
  });

  it('reads nothing and starts no command where it may not', async () => {
    const { reader: it, seen } = reader({ source: { exec: ['touch', 'started'] } }, { mayRead: () => false });
    await it.refresh();
    assert.deepEqual([seen, existsSync(join(folder, 'started'))], [[], false]);
  });

  it('has features recomputed when it is asked to, never where it may not', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 200 }).map((record) => ({ ...record, ts: new Date().toISOString() }))));
    // It prints what it reads: the features as they are.
    const section = { source: { log: 'log.jsonl' }, skew: { exec: ['tee', 'asked.jsonl'] } };
    const { reader: it } = reader(section);
    await it.refresh();
    assert.deepEqual([it.reading.skew, existsSync(join(folder, 'asked.jsonl'))], [undefined, false]);
    await it.checkSkew(new AbortController().signal);
    assert.deepEqual([it.reading.skew?.report.told, it.reading.skew?.report.features.map(({ equal }) => equal)], [200, [200, 200, 200]]);
    assert.equal(it.reading.data?.notes.rows, 200);
    rmSync(join(folder, 'asked.jsonl'));
    const { reader: other } = reader(section, { mayRead: () => false });
    await assert.rejects(other.checkSkew(new AbortController().signal), /Cancelled/);
    assert.equal(existsSync(join(folder, 'asked.jsonl')), false);
  });

  it('starts no command when trust was lost while it waited', async () => {
    let asked = 0;
    const { reader: it } = reader({ source: { exec: ['touch', 'started'] } }, { mayRead: () => (asked += 1) === 1 });
    await it.refresh();
    assert.deepEqual([existsSync(join(folder, 'started')), it.reading.data, it.reading.error], [false, undefined, undefined]);
  });

  it('asks the source as far back as a release wants, also where a reading runs that was asked of less', async () => {
    const asked: (readonly (number | undefined)[])[] = [];
    const read = mock.method(WorkerSource.prototype, 'read', ({ since, from }: QualityRequest) => Promise.reject(new AppError('network', `asked ${asked.push([since, from])}`)));
    const at = Date.parse('2026-11-20T10:40:00Z');
    const { reader: it } = reader({ source: { log: 'log.jsonl' } }, { history: () => Promise.resolve({ since: { at, because: 'exposure' }, given: [] } as unknown as ReleaseHistory) });
    const back = { since: at - 1000, from: at - 5 * 86_400_000 };
    await Promise.all([it.refresh(), it.refresh(undefined, back), it.refresh(undefined, back)]);
    await it.refresh();
    read.mock.restore();
    assert.deepEqual(asked, [[at, undefined], [back.since, back.from], [at, undefined]]);
  });

  it('is no failure when it is cancelled', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 30_000 })));
    const { reader: it } = reader({ source: { log: 'log.jsonl' } });
    const running = it.refresh();
    it.cancel();
    await running;
    assert.deepEqual([it.reading.error, it.reading.loading], [undefined, false]);
    await it.refresh();
    assert.equal(it.reading.data?.notes.rows, 30_000);
  });

  it('gives the reference of drift with the rest, and says why where it cannot', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 3000 })));
    writeFileSync(join(folder, 'train.csv'), `amount,age\n${Array.from({ length: 500 }, (_, row) => `${row},${row % 60}`).join('\n')}\n`);
    const { reader: it } = reader({ source: { log: 'log.jsonl' }, drift: { reference: 'train.csv', features: ['amount', 'age'] } });
    await it.refresh();
    assert.deepEqual(it.reading.data?.references?.map(({ name, rows, samples }) => [name, rows, samples.map((each) => each.name).sort()]), [['train.csv', 500, ['age', 'amount', 'score']]]);
    const { reader: other } = reader({ source: { log: 'log.jsonl' }, drift: { reference: 'gone.csv' } });
    await other.refresh();
    assert.equal(other.reading.data?.references, undefined);
    assert.match(other.reading.data?.notes.messages.join(' ') ?? '', /Drift has no reference: /);
    assert.deepEqual([it.reading.data.production?.name, it.reading.data.production?.parts.map(({ arm }) => arm).sort()], ['last 24 h', ['candidate', 'current']]);
  });

  it('measures against the training data of a version as soon as the registry tells it', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 3000 })));
    writeFileSync(join(folder, 'train.csv'), `amount,age\n${Array.from({ length: 500 }, (_, row) => `${row},${row % 60}`).join('\n')}\n`);
    let told: FoundTrainingData = { reason: 'The registry does not answer.' };
    const { reader: it } = reader({ source: { log: 'log.jsonl' }, drift: { reference: { training: 'candidate' } } }, { training: () => Promise.resolve(told) });
    await it.refresh();
    assert.deepEqual([it.reading.data?.references, it.reading.data?.notes.messages], [undefined, ['Drift has no reference: The registry does not answer.']]);
    told = { path: 'train.csv', name: 'the training data of fraud 14 (train.csv)', rows: 400 };
    await it.refresh();
    const { data } = it.reading;
    assert.deepEqual(data?.references?.map(({ name, rows }) => [name, rows]), [['the training data of fraud 14 (train.csv)', 500]]);
    assert.deepEqual(data.notes.messages, ['train.csv has 500 rows, but the version was trained on 400: the file has changed since.']);
  });

  describe('from a Prometheus that wants a token', () => {
    let server: Server;
    let heard: IncomingHttpHeaders[] = [];
    let asked: string[] = [];
    let origin: string;

    beforeEach(async () => {
      [heard, asked] = [[], []];
      server = createServer(({ headers, url }, response) => {
        heard.push(headers);
        asked.push(url ?? '');
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    const source = (): unknown => ({ source: { prometheus: { url: `${origin}/prometheus`, design_effect: 1, queries: { errors: { total: 'all{arm="$arm"}', bad: 'bad{arm="$arm"}' } } } } });

    it('sends the one that is meant for its origin', async () => {
      const origins: string[] = [];
      const { reader: it } = reader(source(), { headers: (each) => { origins.push(each); return Promise.resolve({ authorization: 'Bearer abc' }); } });
      await it.refresh();
      assert.deepEqual(origins, [origin]);
      assert.ok(heard.length > 0 && heard.every(({ authorization }) => authorization === 'Bearer abc'));
    });

    it('is asked for all that came since evidence began, by what Unleash tells', async () => {
      const at = Date.now() - 9 * 86_400_000;
      const { reader: it } = reader(source(), { history: () => Promise.resolve({ given: [], since: { at, because: 'versions' } }) });
      await it.refresh();
      const from = asked.map((url) => new URL(url, origin).searchParams).map((query) => 1000 * (Number(query.get('time')) - Number(/\[(\d+)s\]/.exec(query.get('query') ?? '')?.[1])));
      assert.equal(Math.min(...from), Math.floor(at / 300_000) * 300_000);
    });

    it('sends none where none is meant for it', async () => {
      const { reader: it } = reader(source());
      await it.refresh();
      assert.ok(heard.length > 0 && heard.every(({ authorization }) => authorization === undefined));
    });
  });
});
