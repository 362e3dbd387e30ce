import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { lines, records, START } from '../../support/qualityRecords.ts';

const MINUTE = 60_000;
const END = START + 600 * MINUTE;

describe('outcomes by their times', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-outcomes-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function opened(labels: Record<string, unknown>, { cached = false, signals = [] }: { readonly cached?: boolean; readonly signals?: readonly object[] } = {}): { read: (now?: number) => Promise<QualityData> } {
    const { quality, problems } = readQuality({ source: { log: 'log.jsonl', outcomes: 'outcomes*.jsonl' }, guardrails: [{ name: 'default', bad: 'outcome > 0' }], signals: [{ name: 'loss', mean: 'outcome' }, { name: 'pr', measure: 'pr_auc' }, ...signals], by: ['model_version'], window: '1min', labels });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), ...(cached ? { cache: { folder: join(folder, 'cache'), version: 'v1-0123456789ab' }, leastSaved: 1 } : {}) });
    return { read: (now = END) => source.read({ now, signal: new AbortController().signal }) };
  }

  const add = (name: string, all: readonly object[]): void => appendFileSync(join(folder, name), lines(all));
  const at = (minutes: number): string => new Date(START + minutes * MINUTE).toISOString();
  const sums = ({ windows }: QualityData): [number, number] => windows.filter(({ slice }) => slice === undefined).reduce<[number, number]>(([n, sum], { metrics }) => [n + (metrics['loss']?.n ?? 0), sum + (metrics['loss']?.sum ?? 0)], [0, 0]);

  interface Event { readonly file: string; readonly arrived: number; readonly record: object }

  /** One field of an outcome, or the other, or both. */
  function fields(random: () => number): object {
    const [which, outcome, refund] = [random(), Math.floor(random() * 4), Math.floor(random() * 4)];
    return { ...(which < 0.7 ? { outcome } : {}), ...(which > 0.4 ? { refund } : {}) };
  }

  /** Predictions, each with up to three outcomes of other times that are told in any order, some before their prediction, some of them by another service. */
  function* events(seed: number): Generator<Event> {
    const random = seeded(seed);
    for (const [index, record] of records({ count: 400, seed, units: 60 }).entries()) {
      const predicted = START + index * 6000;
      const own = random() < 0.1 ? { outcome: Math.floor(random() * 3) } : {};
      yield { file: 'log.jsonl', arrived: predicted + (random() < 0.1 ? random() * 60 * MINUTE : 0), record: { ...record, ts: new Date(predicted).toISOString(), ...own } };
      for (let count = Math.floor(random() * 4); count > 0; count -= 1) {
        // Whole seconds, so that some are of one time.
        const told = predicted + Math.floor(random() * (random() < 0.3 ? 5 : 2400)) * 1000;
        yield { file: random() < 0.5 ? 'outcomes-a.jsonl' : 'outcomes-b.jsonl', arrived: told + (random() < 0.3 ? random() * 90 * MINUTE : 0), record: { request_id: record.request_id, ...fields(random), ts: new Date(told).toISOString() } };
      }
    }
  }

  it('of one prediction tell different fields in different records: none is lost by another', async () => {
    const { quality } = readQuality({ source: { log: 'log.jsonl', outcomes: 'outcomes*.jsonl' }, signals: [{ name: 'clicks', mean: 'clicked' }, { name: 'refunds', mean: 'refunded' }], window: '1min', labels: { field: 'clicked', mature_after: '1h' } });
    const all = records({ count: 10 });
    add('log.jsonl', all);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail() });
    const told = async (): Promise<unknown> => {
      const { windows } = await source.read({ now: END, signal: new AbortController().signal });
      return ['clicks', 'refunds'].map((name) => windows.reduce<[number, number]>(([n, sum], { metrics }) => [n + (metrics[name]?.n ?? 0), sum + (metrics[name]?.sum ?? 0)], [0, 0]));
    };
    add('outcomes-a.jsonl', all.map(({ request_id, ts }) => ({ request_id, ts, clicked: 1 })));
    assert.deepEqual(await told(), [[10, 10], [0, 0]]);
    add('outcomes-a.jsonl', all.map(({ request_id, ts }) => ({ request_id, ts: new Date(Date.parse(ts) + MINUTE).toISOString(), refunded: 0 })));
    assert.deepEqual(await told(), [[10, 10], [10, 0]]);
    add('outcomes-a.jsonl', all.map(({ request_id, ts }) => ({ request_id, ts: new Date(Date.parse(ts) + 2 * MINUTE).toISOString(), clicked: 0 })));
    assert.deepEqual(await told(), [[10, 0], [10, 0]], 'a later one of the same field counts');
  });

  it('are as late as their label, or where it is not told, as what was told last', async () => {
    const { quality } = readQuality({ source: { log: 'log.jsonl', outcomes: 'outcomes*.jsonl' }, signals: ['clicked', 'refunded', 'returned'].map((field) => ({ name: field, mean: field })), window: '1min', labels: { field: 'clicked', mature_after: '1h' } });
    const [first = assert.fail()] = records({ count: 1 });
    add('log.jsonl', [first]);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail() });
    const delay = async (minutes: number, outcome: object): Promise<number | null | undefined> => {
      add('outcomes-a.jsonl', [{ request_id: first.request_id, ts: new Date(Date.parse(first.ts) + minutes * MINUTE).toISOString(), ...outcome }]);
      const { arms: [arm] } = await source.read({ now: END, signal: new AbortController().signal });
      return arm?.labelDelay?.median;
    };
    assert.equal(await delay(9, { refunded: 1 }), 9 * MINUTE);
    assert.equal(await delay(7, { returned: 1 }), 9 * MINUTE);
    assert.equal(await delay(11, { returned: 0 }), 11 * MINUTE);
    assert.equal(await delay(5, { clicked: 1 }), 5 * MINUTE);
    assert.equal(await delay(12, { refunded: 0 }), 5 * MINUTE);
  });

  it('that were absurd and are corrected leave no verdict rather than a certain one', async () => {
    const { quality } = readQuality({ source: { log: 'log.jsonl', outcomes: 'outcomes*.jsonl' }, signals: [{ name: 'loss', mean: 'outcome', margin: 0.5 }], window: '1min', labels: { mature_after: '1min' } });
    const definition = quality ?? assert.fail();
    const all = records({ count: 1600, share: 0.5, units: 1600 });
    const random = seeded(3);
    add('log.jsonl', all);
    add('outcomes-a.jsonl', all.map(({ request_id, ts, assigned_arm }) => ({ request_id, ts, outcome: 8 + 4 * random() + (assigned_arm === 'candidate' ? 0.68 : 0) })));
    const verdict = async (source: LogSource): Promise<string | undefined> => compareArms(await source.read({ now: END, signal: new AbortController().signal }), definition, 'production').metrics[0]?.verdict;
    assert.equal(await verdict(new LogSource({ folder, flags: ['fraud-v2'], definition })), 'undecided');
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition });
    const wrong = ['candidate', 'current'].map((arm) => all.find(({ assigned_arm }) => assigned_arm === arm) ?? assert.fail());
    const tell = (outcome: number, after: number): void => add('outcomes-b.jsonl', wrong.map(({ request_id, ts }) => ({ request_id, ts: new Date(Date.parse(ts) + after).toISOString(), outcome })));
    for (const [index, absurd] of [9_999_999_999, 1.7e308].entries()) {
      tell(absurd, 1000 + 2000 * index);
      await verdict(source);
      tell(10, 2000 + 2000 * index);
      assert.equal(await verdict(source), 'insufficient data', String(absurd));
    }
  });

  const signals = [{ name: 'refunds', mean: 'refund' }, { name: 'both', bad: 'refund > 1 and outcome > 1' }];
  for (const labels of [{}, { mature_after: '20min' }, { mature_after: '0s', absent_means: 0 }, { mature_after: '20min', absent_means: 2 }]) {
    it(`give the same figures however the log is read, ${JSON.stringify(labels)}`, async function splits() {
      this.timeout(60_000);
      for (let seed = 1; seed <= 12; seed += 1) {
        const random = seeded(1000 + seed);
        for (const name of ['log.jsonl', 'outcomes-a.jsonl', 'outcomes-b.jsonl']) writeFileSync(join(folder, name), '');
        const all = [...events(seed)].sort((a, b) => a.arrived - b.arrived);
        const inParts = opened(labels, { signals });
        for (let from = 0; from < all.length;) {
          const to = Math.min(all.length, from + 1 + Math.floor(random() * 300));
          const part = all.slice(from, to);
          for (const { file, record } of part) add(file, [record]);
          const now = (part.at(-1)?.arrived ?? START) + Math.floor(random() * 30 * MINUTE);
          await inParts.read(now);
          // Another start, which goes on from what the one before kept.
          await opened(labels, { cached: true, signals }).read(now);
          from = to;
        }
        const [once, parts, restarted] = [await opened(labels, { signals }).read(), await inParts.read(), await opened(labels, { cached: true, signals }).read()];
        assert.ok(sums(once)[0] > 150);
        assert.deepEqual(parts, once);
        assert.deepEqual(restarted, once);
        rmSync(join(folder, 'cache'), { recursive: true, force: true });
      }
    });
  }

  it('that come too late do not count where absent_means is given, whether they were there at the first reading or not, and that is said', async () => {
    const all = records({ count: 1000, share: 0.5 });
    const labels = { mature_after: '10min', absent_means: 0 };
    add('log.jsonl', all);
    const running = opened(labels);
    assert.deepEqual(sums(await running.read(START + 60 * MINUTE)), [1000, 0]);
    add('outcomes.jsonl', all.slice(0, 500).map(({ request_id, ts }) => ({ request_id, outcome: 1, ts: new Date(Date.parse(ts) + 11 * MINUTE).toISOString() })));
    const data = await running.read();
    assert.deepEqual(sums(data), [1000, 0]);
    assert.deepEqual(data, await opened(labels).read());
    assert.match(data.notes.messages.join('\n'), /^500 outcomes bear a ts that is more than labels\.mature_after \(10 min\) after that of their prediction: they do not count: what was known by then does, and where nothing was, absent_means \(0\)\. Raise mature_after/m);
  });

  for (const [name, time] of [['of a time within mature_after that are written late', { ts: at(5) }], ['without a time', {}]] as const) {
    it(`${name} count as if they had been there`, async () => {
      const all = records({ count: 100, share: 0.5 });
      const labels = { mature_after: '10min', absent_means: 0 };
      add('log.jsonl', all);
      const running = opened(labels);
      assert.deepEqual(sums(await running.read(START + 60 * MINUTE)), [100, 0]);
      add('outcomes.jsonl', all.slice(0, 50).map(({ request_id }) => ({ request_id, outcome: 1, ...time })));
      const [data, once] = [await running.read(), await opened(labels).read()];
      assert.deepEqual(sums(data), [100, 50]);
      assert.deepEqual(data, once);
      assert.equal(/50 outcomes bear no ts: whether they came within labels\.mature_after is not known/.test(data.notes.messages.join()), time.ts === undefined);
    });
  }

  it('may be corrected: the newest that came in time counts, or else the first of the late ones', async () => {
    const [one, two, three] = records({ count: 3, share: 0 }).map(({ request_id }) => request_id);
    const labels = { mature_after: '10min' };
    add('log.jsonl', records({ count: 3, share: 0 }));
    const running = opened(labels);
    const told = async (...outcomes: readonly object[]): Promise<unknown> => {
      add('outcomes.jsonl', outcomes);
      const data = await running.read();
      assert.deepEqual(data, await opened(labels).read());
      const [arm] = data.arms;
      return [...sums(data), arm?.matured, arm?.labelled, arm?.labelDelay?.median];
    };
    assert.deepEqual(await told(), [0, 0, 3, 0, undefined]);
    assert.deepEqual(await told({ request_id: one, outcome: 3, ts: at(5) }, { request_id: one, outcome: 4, ts: at(2) }), [1, 3, 3, 1, 5 * MINUTE]);
    assert.deepEqual(await told({ request_id: one, outcome: 5, ts: at(8) }, { request_id: one, outcome: 6, ts: at(20) }), [1, 5, 3, 1, 8 * MINUTE]);
    assert.deepEqual(await told({ request_id: two, outcome: 7, ts: at(40) }), [2, 12, 3, 2, 24 * MINUTE - 50]);
    assert.deepEqual(await told({ request_id: two, outcome: 8, ts: at(50) }, { request_id: two, outcome: 9, ts: at(30) }), [2, 14, 3, 2, 19 * MINUTE - 50]);
    assert.deepEqual(await told({ request_id: three, outcome: 1 }, { request_id: three, outcome: 2 }, { request_id: three, outcome: 2 }), [3, 16, 3, 3, 19 * MINUTE - 50]);
  });
});
