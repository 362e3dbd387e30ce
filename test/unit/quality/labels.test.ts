import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { statusBlocks } from '../../../src/core/quality/reportText.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { lines, records, START } from '../../support/qualityRecords.ts';

const NOW = START + 12 * 3_600_000;
const BY_METRIC: readonly Record<string, unknown>[] = [{ signals: [{ name: 'default', mean: 'outcome', margin: 0.5 }] }, { guardrails: [{ name: 'default', bad: 'outcome' }] }, { signals: [{ name: 'default', measure: 'accuracy', margin: 0.5 }] }];

describe('what tells an outcome', () => {
  let folder: string;
  beforeEach(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-labels-')); });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function defined(section: Record<string, unknown>): QualityDefinition {
    const { quality, problems } = readQuality({ source: { log: 'log.*' }, ...section });
    assert.deepEqual(problems, []);
    return quality ?? assert.fail();
  }

  async function read(quality: QualityDefinition): Promise<QualityData> {
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality });
    const data = await source.read({ now: NOW, signal: new AbortController().signal });
    source.dispose();
    return data;
  }

  /** Predictions, and their outcomes: of the candidate 35 % are positive, of which most are told as `hidden`; of current 20 %. */
  function told(hidden: string): { readonly predictions: readonly Record<string, unknown>[]; readonly outcomes: readonly { readonly request: string; readonly outcome: string }[] } {
    const random = seeded(4);
    const predictions = records({ count: 20_000, share: 0.5, units: 20_000 }).map((record): Record<string, unknown> => Object.fromEntries(Object.entries(record).filter(([name]) => name !== 'features')));
    return {
      predictions,
      outcomes: predictions.map(({ request_id: id, assigned_arm: arm }) => {
        const isPositive = random() < (arm === 'candidate' ? 0.35 : 0.2);
        return { request: String(id), outcome: isPositive && arm === 'candidate' && random() < 0.7 ? hidden : String(Number(isPositive)) };
      }),
    };
  }

  const csvOf = (predictions: readonly Record<string, unknown>[], outcomes: readonly string[]): string => {
    const names = Object.keys(predictions[0] ?? {});
    return `${[...names, 'outcome'].join(',')}\n${predictions.map((record) => `${names.map((name) => (record[name] === null ? '' : record[name] as string | number)).join(',')},\n`).join('')}${outcomes.join('')}`;
  };

  for (const [name, hidden, format] of [['null', 'null', 'jsonl'], ['NaN', 'NaN', 'jsonl'], ['an empty text', '""', 'jsonl'], ['blanks', '"  "', 'jsonl'], ['a mapping', '{}', 'jsonl'], ['nothing', '', 'csv'], ['NaN', 'nan', 'csv']] as const) {
    it(`is not ${name} in ${format === 'csv' ? 'CSV' : 'JSON Lines'}: shares of labelled predictions that differ void the metric`, async () => {
      const { predictions, outcomes } = told(hidden);
      const names = Object.keys(predictions[0] ?? {});
      const line = format === 'csv' ? ({ request, outcome }: typeof outcomes[number]) => `${names.map((each) => (each === 'request_id' ? request : '')).join(',')},${outcome}\n` : ({ request, outcome }: typeof outcomes[number]) => `{"request_id":"${request}","outcome":${outcome}}\n`;
      writeFileSync(join(folder, `log.${format}`), format === 'csv' ? csvOf(predictions, outcomes.map(line)) : lines(predictions) + outcomes.map(line).join(''));
      const blank = outcomes.filter(({ outcome }) => outcome === hidden).length;
      assert.ok(blank > 2000);
      for (const section of BY_METRIC) {
        const quality = defined(section);
        const data = await read(quality);
        assert.deepEqual(data.arms.map(({ arm, matured, labelled }) => [arm, matured - labelled]).sort(), [['candidate', blank], ['current', 0]], JSON.stringify(section));
        const [metric] = compareArms(data, quality, 'production').metrics;
        assert.deepEqual([metric?.verdict, metric?.because], ['void', 'the arms have outcomes for different shares of their predictions']);
        assert.equal(data.notes.malformed, 0);
        assert.deepEqual(data.notes.messages, [`${blank.toLocaleString('en')} records of outcomes tell none (outcome: null, blank or NaN): their predictions have no outcome by them.`]);
      }
    });
  }

  it('is not null in the record of the prediction either, whatever else waits there', async () => {
    const [first, second, third] = records({ count: 3, share: 0 });
    writeFileSync(join(folder, 'log.jsonl'), lines([{ ...first, outcome: '' }, { ...second, outcome: ' ' }, { ...third, outcome: 0 }, { request_id: 'r-1', outcome: 1 }, { request_id: 'r-1', outcome: null }]));
    const { arms: [arm], windows } = await read(defined({ signals: [{ name: 'default', mean: 'outcome' }] }));
    assert.deepEqual([arm?.matured, arm?.labelled, windows.map(({ metrics }) => metrics['default'])], [3, 2, [{ n: 2, sum: 1, squares: 1 }]]);
  });

  it('is absent_means where there is null in the field of labels, and in no other', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines([...records({ count: 3, share: 0 }), { request_id: 'r-0', outcome: null }, { request_id: 'r-1', outcome: null, paid: 5 }, { request_id: 'r-2', outcome: 1 }]));
    const { arms: [arm], windows } = await read(defined({ signals: [{ name: 'default', mean: 'outcome' }, { name: 'paid', mean: 'paid' }], labels: { mature_after: '0s', absent_means: 0 } }));
    assert.deepEqual([arm?.matured, arm?.labelled, windows.map(({ metrics }) => [metrics['default'], metrics['paid']])], [3, 1, [[{ n: 3, sum: 1, squares: 1 }, { n: 1, sum: 5, squares: 25 }]]]);
    const byOthers = (labels: object): unknown => readQuality({ signals: [{ name: 'paid', mean: 'paid' }], labels: { mature_after: '0s', absent_means: 0, ...labels } }).problems.map(({ path, message }) => [path.join('.'), message.split(':')[0]]);
    assert.deepEqual([byOthers({}), byOthers({ field: 'paid' })], [[['labels.absent_means', 'is what a missing outcome means, which no metric reads']], []]);
  });

  it('is the field of labels where a metric reads it: another one beside it makes no label', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines([...records({ count: 4, share: 0 }), { request_id: 'r-0', outcome: null, paid: 5 }, { request_id: 'r-1', outcome: 1, paid: null }, { request_id: 'r-2', paid: 7 }]));
    const labelled = async (signals: readonly object[]): Promise<unknown> => (await read(defined({ signals }))).arms.map((arm) => [arm.matured, arm.labelled]);
    const [byField, byOther] = [{ name: 'default', mean: 'outcome' }, { name: 'paid', mean: 'paid' }];
    assert.deepEqual([await labelled([byField, byOther]), await labelled([byOther])], [[[4, 1]], [[4, 3]]]);
  });

  describe('with absent_means', () => {
    const labels = { mature_after: '10min', absent_means: 0 };
    const SIGNALS = { signals: [{ name: 'default', mean: 'outcome', margin: 0.5 }, { name: 'right', measure: 'accuracy', margin: 0.5 }], guardrails: [{ name: 'defaults', bad: 'outcome', min_rate: 0.3 }], labels };
    const outcomesOf = (count: number, arms = ['candidate', 'current']): object[] => records({ count: 20_000, share: 0.5, units: 20_000 }).slice(0, count)
      .flatMap(({ request_id: id, ts, assigned_arm: arm }, index) => (arms.includes(arm) ? [{ request_id: id, ts, outcome: Number(index % 5 === 0) }] : []));
    const write = (outcomes: readonly object[]): void => {
      writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 20_000, share: 0.5, units: 20_000 })));
      writeFileSync(join(folder, 'outcomes.jsonl'), lines(outcomes));
    };
    const source = { log: 'log.*', outcomes: 'outcomes.jsonl' };
    const verdicts = (data: QualityData, quality: QualityDefinition): readonly string[] => compareArms(data, quality, 'production').metrics.map(({ verdict }) => verdict);
    const labelled = (data: QualityData): readonly (string | undefined)[] => statusBlocks(data, NOW).flatMap((block) => ('lines' in block ? [] : block.rows.map((row) => row[8])));
    const quality = (): QualityDefinition => defined({ source, ...SIGNALS });

    it('labelled is the share with an outcome, and what the others count as stands beside it', async () => {
      write(outcomesOf(20_000));
      const all = await read(quality());
      assert.deepEqual([labelled(all), verdicts(all, quality()), all.notes.messages], [['100 %', '100 %'], ['not worse', 'not worse', 'not worse'], []]);
      write(outcomesOf(20_000).filter((_, index) => index % 2 === 0));
      const half = await read(quality());
      assert.ok(labelled(half).every((each) => /^(49\.9|50|50\.1) %, others count as 0$/.test(each ?? '')), String(labelled(half)));
      assert.deepEqual(verdicts(half, quality()), ['not worse', 'not worse', 'not worse']);
    });

    it('outcomes that are written no more, of both arms or of one, make nothing not worse', async () => {
      for (const [outcomes, share, who] of [[outcomesOf(8000), /^(39|40)(\.\d)? %, others count as 0$/, /of candidate from .* UTC on, .* of current from/], [[...outcomesOf(8000), ...outcomesOf(20_000, ['current']).slice(4000)], /^(39|40)(\.\d)? %, others count as 0$/, /\([\d.]+k of candidate from 2026-03-02 10:1\d:00 UTC on\)/]] as const) {
        write(outcomes);
        const data = await read(quality());
        assert.match(labelled(data)[0] ?? '', share);
        assert.deepEqual(verdicts(data, quality()), ['insufficient data', 'insufficient data', 'insufficient data']);
        assert.equal(data.notes.messages.length, 1, data.notes.messages.join('\n'));
        assert.match(data.notes.messages[0] ?? '', who);
        assert.match(data.notes.messages[0] ?? '', /^production: none of the newest predictions .* They count as absent_means \(0\), but nothing is called not worse by that/);
      }
    });

    it('what is worse by the outcomes before stays so', async () => {
      write(outcomesOf(8000).map((outcome, index) => ({ ...outcome, outcome: Number(index % 5 === 0 || index % 2 === 0) })));
      const worse = defined({ source, guardrails: [{ name: 'defaults', bad: 'outcome and assigned_arm == "candidate"', max_ratio: 1.2 }], labels });
      assert.deepEqual(verdicts(await read(worse), worse), ['worse']);
    });

    it('rare outcomes are missed only where some would have come', async () => {
      write(outcomesOf(20_000).filter((_, index) => index % 2000 === 0));
      const data = await read(quality());
      assert.deepEqual([data.notes.messages, verdicts(data, quality())[0]], [[], 'not worse']);
    });

    it('without any outcome, or any file of outcomes, there is no verdict, worse neither', async () => {
      write([]);
      const none = await read(quality());
      assert.deepEqual([labelled(none)[0], verdicts(none, quality())], ['0 %, others count as 0', ['insufficient data', 'insufficient data', 'insufficient data']]);
      assert.match(none.notes.messages.join('\n'), /none of the 20k predictions that have matured has an outcome/);
      rmSync(join(folder, 'outcomes.jsonl'));
      writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 20_000, share: 0.5, units: 20_000 }).map((record) => ({ ...record, outcome: Number(record.assigned_arm === 'candidate') }))));
      const missing = await read(quality());
      assert.deepEqual([labelled(missing)[0], verdicts(missing, quality()), missing.notes.outcomesMissing], ['100 %', ['insufficient data', 'insufficient data', 'insufficient data'], true]);
      assert.match(missing.notes.messages.join('\n'), /No file is called outcomes\.jsonl/);
      const own = defined(SIGNALS);
      assert.equal(verdicts(await read(own), own)[0], 'worse', 'outcomes may stand in the records of predictions');
    });
  });

  it('is not known before it has matured, and not where outcomes and scores have nothing in common: both is said', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 200 }).map((record) => ({ ...record, outcome: 'yes' }))));
    const because = async (labels: object): Promise<string | undefined> => {
      const quality = defined({ guardrails: [{ name: 'right', measure: 'accuracy', margin: 0.01 }], labels });
      return compareArms(await read(quality), quality, 'production').metrics[0]?.because;
    };
    assert.equal(await because({ mature_after: '7d' }), 'no prediction has matured yet: outcomes count 7 d after their prediction (labels.mature_after)');
    assert.match(await because({ mature_after: '1h' }) ?? '', /^no record tells it: accuracy is of labels and outcomes that are alike, or of scores and outcomes that are 0 or 1/);
  });

  it('of a prediction that where leaves out waits for nothing, whether it comes before or after it', async () => {
    const all = records({ count: 300 });
    const outcomes = all.map(({ request_id: id }) => ({ request_id: id, outcome: 1 }));
    writeFileSync(join(folder, 'log.jsonl'), lines([...outcomes.slice(0, 100), { request_id: 'nobody', outcome: 1 }, ...all, ...outcomes.slice(200)]));
    const { notes, windows } = await read(defined({ guardrails: [{ name: 'default', bad: 'outcome' }], where: 'features.country == "DE"' }));
    const counted = windows.reduce((sum, { metrics }) => sum + (metrics['default']?.n ?? 0), 0);
    assert.deepEqual([notes.outcomesWithoutPrediction, counted], [1, all.filter(({ features }, index) => features.country === 'DE' && (index < 100 || index >= 200)).length]);
  });

  describe('that a metric reads', () => {
    const note = async (bad: string, change: (record: Record<string, unknown>) => object = (record) => record): Promise<string> => {
      writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 20 }).map((record) => change({ ...record }))));
      return (await read(defined({ guardrails: [{ name: 'wrong', bad }] }))).notes.messages.join('\n');
    };

    it('but no record has is named, with what may be meant', async () => {
      assert.match(await note('amount > 5'), /^No outcome, and no record with a request_id, has told the field amount, which wrong reads\. There is a feature of that name: write features\.amount\.$/);
      assert.match(await note('latency > 80'), /has told the field latency, which wrong reads\. Did you mean latency_ms\?$/);
      assert.match(await note('error == timeout'), /the field timeout, .* a text stands in quotes\.$/);
      assert.match(await note('outcome'), /the field outcome, .*labels: \{field: \.\.\.\} names/);
    });

    it('and one record tells is not', async () => {
      assert.equal(await note('refund > 5', (record) => ({ ...record, ...(record['request_id'] === 'r-7' ? { refund: 6 } : {}) })), '');
      assert.equal(await note('latency_ms > 5 and features.amount > 5'), '');
    });
  });
});
