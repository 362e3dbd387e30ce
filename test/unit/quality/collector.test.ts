import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { blocksText, notesBlock } from '../../../src/core/quality/reportText.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { partOf } from '../../support/productionParts.ts';
import { START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;

describe('the collector of predictions', () => {
  const { quality } = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'latency', mean: 'latency_ms' }], window: '1h' });

  /** Units of which some come again, more than are followed; `told`: after how many records the figures are asked for, so that what was staged is counted. */
  function collect(count: number, told: () => number): QualityData {
    const collector = new Collector(quality ?? assert.fail(), { flags: ['f'], features: [] });
    const random = seeded(1);
    const drawn = { request: 0, unit: 0, time: START, features: [], requestId: () => '' };
    const record = { assigned_arm: '', environment: 'production', error: null as string | null, latency_ms: 0 };
    let next = told();
    for (let index = 0; index < count; index += 1) {
      const unit = random() < 0.2 ? Math.floor(random() * index) : index;
      record.assigned_arm = unit % 4 === 0 ? 'candidate' : 'current';
      record.error = random() < 0.02 ? 'time-out' : null;
      record.latency_ms = 100 * random();
      drawn.request = hash53(`r-${index}`);
      drawn.unit = 1 + Math.imul(unit, 2654435761) % 2 ** 31 + 2 ** 31;
      drawn.time = START + Math.floor(index / 200_000) * HOUR;
      collector.add(record, () => '', drawn);
      if (index !== next) continue;
      collector.now = START + 100 * HOUR;
      next += told();
    }
    return collector.data(START + 100 * HOUR, []);
  }

  it('follows a half of the units when there are more than a million, and counts the same wherever a batch ends', function many() {
    this.timeout(60_000);
    const count = 1_400_000;
    const whole = collect(count, () => count);
    const random = seeded(2);
    assert.deepEqual(collect(count, () => 1 + Math.floor(30_000 * random())), whole);
    const units = whole.arms.reduce((sum, arm) => sum + arm.units, 0);
    const windows = whole.windows.reduce((sum, window) => sum + window.units, 0);
    assert.equal(units, windows);
    // The first million came one by one, each of the others stands for two.
    assert.equal(whole.windows.reduce((sum, { units: own, drawn }) => sum + (drawn ?? own), 0), 1_000_000 + (units - 1_000_000) / 2);
    // 0.8 come by themselves; one of the others comes again, at a chance of 0.2 in i at the i-th record, with 1 - 1 / 1.2. Four standard errors of a count of which a half is drawn.
    assert.ok(Math.abs(units - (0.8 + 0.2 * (1 - 1 / 1.2)) * count) < 4 * Math.sqrt(count), String(units));
    for (const { unitSums, requests } of whole.arms) {
      const { errors, latency } = unitSums;
      assert.ok(errors !== undefined && latency !== undefined && errors.units === latency.units);
      assert.ok(errors.requests > 0.45 * requests && errors.requests < 0.55 * requests, `${errors.requests} of ${requests}`);
    }
  });

  it('tells many different labels apart, however many came before', () => {
    const collector = new Collector(quality ?? assert.fail(), { flags: ['f'], features: [] });
    const count = 70_000;
    for (let index = 0; index < count; index += 1) collector.add({ assigned_arm: 'current', ts: START, request_id: `r-${index}`, unit_id: 'u', label: `label ${index}` }, () => '');
    const { categories, otherCategories, missing } = partOf(collector.data(START + HOUR, []), 'current', '').features.find(({ name }) => name === 'label') ?? assert.fail();
    assert.deepEqual([Object.keys(categories).length, new Set(Object.values(categories)), otherCategories, missing], [1000, new Set([1]), count - 1000, 0]);
  });

  it('says which entry of by no record tells', () => {
    const sliced = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], by: ['features.nosuch', 'features.city', 'features.age > 60'], window: '1h' }).quality ?? assert.fail();
    const collector = new Collector(sliced, { flags: ['f'] });
    assert.deepEqual(collector.data(START + HOUR, []).notes.messages, [], 'nothing came');
    collector.add({ ts: START, flag: 'f', assigned_arm: 'current', request_id: 'r', unit_id: 'u', features: { city: 'c', age: 5 } }, () => '');
    assert.deepEqual(collector.data(START + HOUR, []).notes.messages, ['by: no record tells features.nosuch, so there are no slices of it. A feature is called features.NAME.']);
  });

  it('counts two fields, and two values, as two slices, whatever their names have in common', () => {
    const sliced = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], by: ['service', 'service', 'features.service', 'features.endpoint'], window: '1h' }).quality ?? assert.fail();
    const collector = new Collector(sliced, { flags: ['f'] });
    const common = `arn:aws:sagemaker:eu-central-1:123456789012:endpoint/fraud-detector/${'x'.repeat(300)}`;
    for (let index = 0; index < 12; index += 1) collector.add({ ts: START, request_id: `r-${index}`, flag: 'f', assigned_arm: 'current', service: 'web', features: { service: index % 3 === 0 ? 'web' : 'app', endpoint: `${common}${index % 2}` } }, () => '');
    const found = collector.data(START + HOUR, []).windows.flatMap(({ slice, requests }) => (slice === undefined ? [] : [[slice, requests] as const]));
    assert.deepEqual(found.map(([slice, requests]) => [slice.replace(/(?<=[01] )[a-z\d]+$/, '#'), requests]).sort(), [
      ['endpoint = arn:aws:sagemaker:eu-cen…xxxxxxxxxxxxxxxxxxx0 #', 6], ['endpoint = arn:aws:sagemaker:eu-cen…xxxxxxxxxxxxxxxxxxx1 #', 6],
      ['features.service = app', 8], ['features.service = web', 4], ['service = web', 12],
    ]);
    assert.ok(found.every(([slice]) => slice.length <= 'endpoint = '.length + 60));
  });

  it('counts as many slices by themselves as came first, and tells how many records are of others', () => {
    const sliced = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], by: ['features.city'], window: '1h' }).quality ?? assert.fail();
    const collector = new Collector(sliced, { flags: ['f'] });
    for (let index = 0; index < 130; index += 1) collector.add({ ts: START, flag: 'f', assigned_arm: 'current', request_id: `r-${index}`, unit_id: `u-${index}`, features: { city: `c${index % 65}` } }, () => '');
    const data = collector.data(START + HOUR, []);
    assert.deepEqual(data.windows.flatMap(({ slice, requests }) => (slice === undefined ? [] : [[slice, requests]])), Array.from({ length: 50 }, (_, index) => [`city = c${index}`, 2]));
    assert.equal(data.notes.otherSlices, 30);
    assert.match(blocksText([notesBlock(data.notes)], false), /^30 records of slices beyond the first 50, which are not counted by themselves\.$/m);
  });
});
