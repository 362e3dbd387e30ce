import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { candidateLimits, limitWindows } from '../../../src/core/quality/limits.ts';
import { records, START, type PredictionRecord } from '../../support/qualityRecords.ts';

/** What is logged of one service in one environment; `well` stands in `error` where all went well. */
interface Logged {
  readonly well: string | null;
  readonly count?: number;
  readonly environment?: string;
  readonly service?: string;
  readonly candidateErrors?: number;
  readonly currentErrors?: number;
  /** Changes each record further. */
  readonly change?: (record: PredictionRecord) => Partial<PredictionRecord>;
}

interface Found {
  readonly verdict: string | undefined;
  readonly because: string;
  readonly limit: string | undefined;
}

/** What is found in production. `since`: from when on evidence counts. */
function found(logs: readonly Logged[], { bad = 'error', since }: { readonly bad?: string; readonly since?: number } = {}): Found {
  const definition = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad, limit: 0.5 }] }).quality ?? assert.fail();
  const collector = new Collector(definition, { flags: ['fraud-v2'] });
  for (const [index, { well, count = 8000, environment = 'production', service = 'credit', candidateErrors = 0.3, currentErrors = 0.02, change = () => ({}) }] of logs.entries()) {
    for (const record of records({ count, candidateErrors, currentErrors, environment, firstId: index * 1e6 })) collector.add({ ...record, service, error: record.error ?? well, ...change(record) }, () => 'record');
  }
  const data = collector.data(START + 90 * 86_400_000, []);
  const [errors] = compareArms(data, definition, 'production', { since }).metrics;
  const [limit] = candidateLimits(limitWindows(data, 'production', { since }), data, definition, 'production', { since });
  return { verdict: errors?.verdict, because: errors?.because ?? '', limit: limit?.state };
}

const DOUBT = /^([\d,]+) of \1 records of the current version(?: in \w+)? count as failed, so the field error may say something where all went well: log null there, or let bad name what is an error, such as error and error != "OK"$/;

describe('a log that says something in error where all went well', () => {
  it('lets no candidate go on, and says so', () => {
    for (const well of ['OK', '200', 'success']) {
      const { verdict, because } = found([{ well }]);
      assert.equal(verdict, 'undecided', well);
      assert.match(because, DOUBT);
    }
  });

  it('is seen beside another environment that logs null', () => {
    const { verdict, because } = found([{ well: 'OK' }, { well: null, environment: 'staging', count: 2000 }]);
    assert.equal(verdict, 'undecided');
    assert.match(because, DOUBT);
  });

  it('is seen beside another service that logs null, and named', () => {
    const { verdict, because } = found([{ well: 'OK' }, { well: null, service: 'loans', count: 2000, candidateErrors: 0.02 }]);
    assert.equal(verdict, 'undecided');
    assert.match(because, DOUBT);
    assert.match(because, /of the current version in credit count/);
  });

  it('is seen where the records before the release tell null', () => {
    const since = START + 1_200_000;
    const history = (record: PredictionRecord): Partial<PredictionRecord> => ({ assigned_arm: 'current', ts: new Date(Date.parse(record.ts) - 3_600_000).toISOString() });
    const { verdict, because } = found([{ well: null, count: 12_000, change: history }, { well: 'OK', count: 24_000 }], { since });
    assert.equal(verdict, 'undecided');
    assert.match(because, DOUBT);
  });

  it('holds no release in which all is well: not by a load test in staging, by what was logged before, nor by a service that has the current version alone', () => {
    const healthy: Logged = { well: null, count: 24_000, candidateErrors: 0.02 };
    const before = (record: PredictionRecord): Partial<PredictionRecord> => ({ assigned_arm: 'current', error: 'OK', ts: new Date(Date.parse(record.ts) - 3_600_000).toISOString() });
    assert.deepEqual([found([healthy, { well: 'refused', environment: 'staging', count: 60_000 }])].map(({ verdict, limit }) => [verdict, limit]), [['not worse', 'within']]);
    assert.deepEqual([found([healthy, { well: 'OK', count: 60_000, change: before }], { since: START })].map(({ verdict, limit }) => [verdict, limit]), [['not worse', 'within']]);
    assert.equal(found([healthy, { well: 'OK', service: 'loans', count: 2000, change: () => ({ assigned_arm: 'current' }) }]).verdict, 'not worse');
  });

  it('keeps a candidate that logs null from its limit as from the comparison', () => {
    const nullOfCandidate = (record: PredictionRecord): Partial<PredictionRecord> => (record.assigned_arm === 'candidate' ? { error: record.error } : {});
    const { verdict, limit } = found([{ well: 'OK', change: nullOfCandidate }, { well: null, environment: 'staging', count: 2000 }]);
    assert.deepEqual([verdict, limit], ['undecided', 'insufficient']);
  });

  it('tells what it should by what is named as an error, and where none is told as null', () => {
    assert.deepEqual([found([{ well: 'OK' }], { bad: 'error and error != "OK"' }).verdict, found([{ well: null }]).verdict], ['worse', 'worse']);
    assert.equal(found([{ well: 'OK', candidateErrors: 0.05, currentErrors: 0.05 }], { bad: 'error and error != "OK"' }).verdict, 'not worse');
    assert.equal(found([{ well: null, candidateErrors: 0.2, currentErrors: 0.9 }]).verdict, 'not worse', 'a current version that fails often is one that fails');
  });
});
