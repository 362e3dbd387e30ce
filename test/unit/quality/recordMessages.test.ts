import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { lines, records, START, type PredictionRecord } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;

function definition(section: object): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'x.jsonl' }, ...section });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

const collect = (section: object, all: readonly object[]): QualityData => {
  const collector = new Collector(definition(section), { flags: ['fraud-v2'] });
  for (const record of all) collector.add({ ...record }, () => 'record');
  return collector.data(START + 5 * HOUR, []);
};
const messages = (section: object, all: readonly object[]): readonly string[] => collect(section, all).notes.messages;
const changed = (change: (record: PredictionRecord) => object, count = 1500): readonly object[] => records({ count }).map(change);
const SLOW = { guardrails: [{ name: 'slow', bad: 'latency_ms > 80' }] };

describe('what is said of records that tell something else than was meant', () => {
  it('names the fields that a metric reads, and the feature that may be meant', () => {
    assert.match(messages(SLOW, changed((record) => ({ ...record, latency_ms: `${record.latency_ms} ms` }))).join('\n'), /^\d+ of \d+ records of current and \d+ of \d+ records of candidate do not tell slow, which reads latency_ms as a number: they do not count for it\.$/m);
    const found = messages({ guardrails: [{ name: 'big', bad: 'features.amuont > 120' }], by: ['features.contry'] }, records({ count: 100 }));
    assert.match(found.join('\n'), /do not tell big, which reads features\.amuont \(Did you mean features\.amount\?\): they do not count for it\./);
    assert.ok(found.includes('by: no record tells features.contry, so there are no slices of it. Did you mean features.country?'), found.join('\n'));
  });

  it('says where features stand when no record has any, and who needs them', () => {
    const flat = changed(({ features, ...record }) => ({ ...record, ...features }));
    const mend = ': they stand below features, as in {"features": {"amount": 91.5}}, and in a table in columns such as features.amount.';
    assert.ok(messages({ guardrails: [{ name: 'big', bad: 'features.amount > 120' }], drift: { reference: 'train.csv' }, by: ['features.country'] }, flat).includes(`No record has features, which drift, by, big need${mend}`));
    assert.ok(messages({ guardrails: [{ name: 'errors', bad: 'error' }], where: 'features.amount > 1' }, flat).includes(`No record has features, which where needs${mend}`));
    assert.deepEqual(messages({ guardrails: [{ name: 'errors', bad: 'error' }] }, flat), []);
    assert.deepEqual(messages({ guardrails: [{ name: 'big', bad: 'features.amount > 120' }], drift: { reference: 'train.csv' } }, records({ count: 1500 })), []);
  });

  it('asks whether latencies are seconds where nearly all are next to none, and a metric reads them', () => {
    const seconds = changed((record) => ({ ...record, latency_ms: record.latency_ms / 1000 }));
    const words = 'latency_ms, which slow reads, is below 2 in nearly all records. It is in milliseconds: where these are seconds, log 1,000 times as much.';
    assert.deepEqual(messages(SLOW, seconds), [words]);
    for (const [section, all] of [[SLOW, records({ count: 1500 })], [SLOW, seconds.slice(0, 900)], [{ guardrails: [{ name: 'errors', bad: 'error' }] }, seconds]] as const) assert.deepEqual(messages(section, all), []);
    // One answer in fifty takes longer than two seconds, which no one would take for milliseconds.
    assert.deepEqual(messages(SLOW, seconds.map((record, index) => (index % 50 === 0 ? { ...record, latency_ms: 3 } : record))), []);
  });

  it('says whose outcomes nobody can know, and does not call that waiting', () => {
    const section = { signals: [{ name: 'conversion', mean: 'converted' }], labels: { field: 'converted', mature_after: '10min' } };
    const without = changed(({ request_id, ...record }) => ({ ...record, was: request_id }));
    const data = collect(section, without);
    assert.match(data.notes.messages.join('\n'), /^production: [\d,]+ predictions of candidate have no request_id, so no outcome is known to be theirs: metrics that need one leave them out\. Log the same request_id with both\.$/m);
    assert.equal(compareArms(data, definition(section), 'production').metrics[0]?.because, 'no prediction has a request_id, so no outcome is known to be theirs');
    const one = collect(section, records({ count: 1500 }).map(({ request_id, ...record }) => (record.assigned_arm === 'candidate' ? record : { ...record, request_id })));
    assert.deepEqual(one.notes.messages.flatMap((each) => /predictions of (\w+) have no request_id/.exec(each)?.[1] ?? []), ['candidate']);
    assert.deepEqual(messages(SLOW, without).filter((each) => each.includes('request_id')), [], 'nobody needs it');
  });

  describe('by the command line', () => {
    let folder: string;
    beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'modelswitch-said-'))));
    afterEach(() => rmSync(folder, { recursive: true, force: true }));
    const run = (command: string, all: readonly object[], quality = '{source: {log: x.jsonl}, guardrails: [{name: errors, bad: error}]}'): { readonly status: number | null; readonly stdout: string; readonly stderr: string } => {
      writeFileSync(join(folder, 'x.jsonl'), lines(all));
      writeFileSync(join(folder, 'modelswitch.yaml'), `version: 1\nmodels: {fraud: {flag: fraud-v2, quality: ${quality}}}\n`);
      return spawnSync(process.execPath, [join(import.meta.dirname, '..', '..', '..', 'src', 'cli', 'main.ts'), command], { cwd: folder, encoding: 'utf8' });
    };

    it('shadow tells what is wrong with answers that are none, and ends with 5 where none has a partner', () => {
      const served = records({ count: 50 });
      const nameless = run('shadow', [...served, ...served.slice(0, 20).map(({ request_id, ...record }) => ({ ...record, role: 'shadow', was: request_id }))]);
      assert.match(nameless.stderr, /20 malformed records, left out\.\nmodelswitch: +x\.jsonl:51: the answer of a shadow has no request_id[^]*The source has no shadow answers/);
      const apart = run('shadow', [...served, ...served.slice(0, 20).map((record) => ({ ...record, role: 'shadow', request_id: `other-${record.request_id}` }))]);
      assert.deepEqual([apart.status, apart.stderr.trim()], [5, 'modelswitch: Nothing was compared: no shadow answer has the request_id of an answer that was served.']);
      assert.equal(run('shadow', [...served, ...served.slice(0, 20).map((record) => ({ ...record, role: 'shadow' }))]).status, 0);
    });

    it('drift says that a reference elsewhere is not read', () => {
      const { status, stderr } = run('drift', records({ count: 50 }), '{source: {log: x.jsonl}, guardrails: [{name: errors, bad: error}], drift: {reference: "s3://bucket/train.parquet"}}');
      assert.match(stderr, /There is no file s3:\/\/bucket\/train\.parquet: only files of this machine are read, so fetch it before\./);
      assert.notEqual(status, 0);
    });
  });
});
