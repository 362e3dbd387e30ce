import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
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
    assert.deepEqual([arm?.matured, arm?.labelled, windows.map(({ metrics }) => [metrics['default'], metrics['paid']])], [3, 3, [[{ n: 3, sum: 1, squares: 1 }, { n: 1, sum: 5, squares: 25 }]]]);
    const byOthers = (labels: object): unknown => readQuality({ signals: [{ name: 'paid', mean: 'paid' }], labels: { mature_after: '0s', absent_means: 0, ...labels } }).problems.map(({ path, message }) => [path.join('.'), message.split(':')[0]]);
    assert.deepEqual([byOthers({}), byOthers({ field: 'paid' })], [[['labels.absent_means', 'is what a missing outcome means, which no metric reads']], []]);
  });

  it('is the field of labels where a metric reads it: another one beside it makes no label', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines([...records({ count: 4, share: 0 }), { request_id: 'r-0', outcome: null, paid: 5 }, { request_id: 'r-1', outcome: 1, paid: null }, { request_id: 'r-2', paid: 7 }]));
    const labelled = async (signals: readonly object[]): Promise<unknown> => (await read(defined({ signals }))).arms.map((arm) => [arm.matured, arm.labelled]);
    const [byField, byOther] = [{ name: 'default', mean: 'outcome' }, { name: 'paid', mean: 'paid' }];
    assert.deepEqual([await labelled([byField, byOther]), await labelled([byOther])], [[[4, 1]], [[4, 3]]]);
  });
});
