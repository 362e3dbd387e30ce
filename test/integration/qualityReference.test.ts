/** What is read of a prediction log is what SQL finds in it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource, type LogSourceOptions } from '../../src/adapters/predictionLog/logSource.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import type { QualityData } from '../../src/core/quality/window.ts';
import { seeded } from '../support/guardSimulation.ts';
import { writeManyRecords } from '../support/manyRecords.ts';
import { partOf } from '../support/productionParts.ts';
import { records, START } from '../support/qualityRecords.ts';
import { mlflowPython } from '../support/mlflow.ts';
import { assertAsReference, REFERENCE_EDGES, REFERENCE_FEATURES, REFERENCE_METRICS, referenceOf, toParquet } from '../support/reference.ts';

const RECORDS = { count: 20_000, units: 3000, spanMs: 6 * 3_600_000, seed: 11 };
const NOW = START + RECORDS.spanMs;
const STAGING = new URL('../../src/adapters/quality/quality.worker.ts', import.meta.url);

describe('a prediction log against SQL in DuckDB', function () {
  this.timeout(240_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-reference-'));
    await writeManyRecords(join(folder, 'log.jsonl'), RECORDS);
    await writeManyRecords(join(folder, 'log.csv'), RECORDS);
    await toParquet(join(folder, 'log.jsonl'), join(folder, 'log.parquet'), 7000);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (file: string, { section = REFERENCE_METRICS, ...options }: Partial<LogSourceOptions> & { readonly section?: Record<string, unknown> }, signal = AbortSignal.timeout(120_000)): Promise<QualityData> => {
    const { quality, problems } = readQuality({ ...section, source: { log: file } });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), edges: REFERENCE_EDGES, ...options });
    try {
      return await source.read({ now: NOW, signal });
    } finally {
      source.dispose();
    }
  };

  const check = async (file: string): Promise<void> => {
    const { quality, problems } = readQuality({ ...REFERENCE_METRICS, source: { log: file } });
    assert.deepEqual(problems, []);
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), features: REFERENCE_FEATURES, edges: REFERENCE_EDGES });
    const data = await source.read({ now: NOW, signal: AbortSignal.timeout(120_000) });
    source.dispose();
    const { rows, malformed, duplicates, messages } = data.notes;
    assert.deepEqual([rows, malformed, duplicates, messages], [RECORDS.count, 0, 0, []]);
    assertAsReference(data, await referenceOf(join(folder, file), data.arms[0]?.score.edges ?? []));
  };

  for (const format of ['jsonl', 'csv', 'parquet']) it(`counts the same: ${format}`, () => check(`log.${format}`));

  for (const file of ['log.jsonl', 'log.parquet']) {
    it(`counts exactly the same when several threads read: ${file}`, async () => {
      for (const features of [REFERENCE_FEATURES, undefined]) {
        const expected = await read(file, { features });
        for (const count of [1, 2]) assert.deepEqual(await read(file, { features, threads: { script: STAGING, count, least: 1 } }), expected);
      }
    });
  }

  it('counts by columns what it counts by lines: shadows, outcomes, missing values, conditions, slices and measures', async () => {
    const random = seeded(4);
    const lines = records({ count: 6000, units: 500, seed: 8 }).flatMap((record, index): object[] => {
      const luck = random();
      const whole = { ...record, proba: null, defaulted: null };
      // An environment that is named first where there is no time.
      if (index === 3) return [{ ...whole, environment: 'later', ts: null }];
      if (index > 5900 && index % 10 === 0) return [{ ...whole, environment: 'later' }];
      if (luck < 0.05) return [whole, { ...whole, role: 'shadow', assigned_arm: 'candidate', score: random() }];
      if (luck < 0.08) return [{ ...whole, unit_id: null, request_id: random() < 0.5 ? null : record.request_id, features: null }];
      if (luck < 0.1) return [{ ...whole, score: null, proba: random() < 0.5 ? random() : null, latency_ms: random() < 0.5 ? null : record.latency_ms, features: { ...record.features, country: null } }];
      if (luck < 0.12) return [{ ...whole, assigned_arm: null, defaulted: random() < 0.5 ? 1 : null }];
      if (luck < 0.14) return [{ ...whole, ts: null }, { ...whole, flag: 'another' }, whole, whole];
      return [{ ...whole, environment: luck < 0.5 ? 'production' : 'staging', service: luck < 0.3 ? null : record.service }];
    });
    writeFileSync(join(folder, 'odd.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    await toParquet(join(folder, 'odd.jsonl'), join(folder, 'odd.parquet'), 2500);
    const section = {
      ...REFERENCE_METRICS, where: 'latency_ms < 200', by: ['model_version', 'error'], labels: { field: 'defaulted' },
      signals: [{ name: 'latency', mean: 'latency_ms' }, { name: 'confident', measure: 'confident' }, { name: 'score', mean: 'coalesce(score, proba)' }],
    };
    const features = ['country', 'amount', 'nobody has it'];
    const facts = ({ notes: { examples, messages, ...counts }, ...data }: QualityData): unknown => ({ ...data, counts, examples: examples.map((each) => each.replace(/^\S+?(?::|, row )(\d+)/, '$1')), messages });
    const known = await read('odd.jsonl', { features, section });
    const { malformed, excluded, duplicates, withoutUnit } = known.notes;
    assert.ok([malformed, excluded, duplicates, withoutUnit, known.shadow?.[0]?.pairs ?? 0].every((count) => count > 50), JSON.stringify(known.notes));
    const expected = facts(known);
    for (const options of [{}, { threads: { script: STAGING, count: 2, least: 1 } }]) {
      for (const file of ['odd.parquet', 'odd.jsonl']) assert.deepEqual(facts(await read(file, { features, section, ...options })), expected, file);
    }
    // Times and numbers of other types, in other encodings.
    const types = join(folder, 'write_types.py');
    writeFileSync(types, `import pyarrow as pa, pyarrow.parquet as pq
t = pq.read_table('odd.parquet')
f = t['features'].combine_chunks()
small = pa.StructArray.from_arrays([f.field(n).cast('int32') if n == 'age' else f.field(n) for n in f.type.names], names=f.type.names, mask=f.is_null())
t = t.set_column(t.schema.get_field_index('features'), 'features', small)
for i, kind in enumerate([pa.timestamp('us', 'UTC'), pa.timestamp('ns', 'UTC'), pa.timestamp('ns'), pa.int64()]):
  for dictionary in [True, False]:
    for version in ['1.0', '2.0']:
      pq.write_table(t.set_column(0, 'ts', t['ts'].cast(pa.timestamp('ms') if kind == pa.timestamp('ns') else kind).cast(kind)), f'type-{i}-{dictionary}-{version}.parquet', use_dictionary=dictionary, data_page_version=version, row_group_size=2500, compression='gzip' if dictionary else 'snappy')
`);
    execFileSync(await mlflowPython(), [types], { cwd: folder });
    const written = readdirSync(folder).filter((name) => name.startsWith('type-'));
    assert.equal(written.length, 16);
    for (const file of written) assert.deepEqual(facts(await read(file, { features: [...features, 'age'], section })), facts(await read('odd.jsonl', { features: [...features, 'age'], section })), file);
    // With a condition on a feature rows are told one by one.
    const rows = { ...section, where: 'latency_ms < 200 and coalesce(features.amount, 1) >= 0' };
    assert.deepEqual(facts(await read('odd.parquet', { features, section: rows })), expected);
  });

  it('knows a mapping that is missing in a whole page from one whose fields are', async () => {
    writeFileSync(join(folder, 'write_missing.py'), `import pyarrow as pa, pyarrow.parquet as pq
rows = [{'ts': 1772445600000 + i, 'request_id': f'r-{i}', 'assigned_arm': 'current', 'features': None if kind == 'mapping' else {'x': None}} for kind in ['mapping', 'field'] for i in range(100)]
for kind, nullable in [('mapping', False), ('field', True)]:
  schema = pa.schema([('ts', pa.int64()), ('request_id', pa.string()), ('assigned_arm', pa.string()), pa.field('features', pa.struct([pa.field('x', pa.float64(), nullable=nullable)]), nullable=not nullable)])
  pq.write_table(pa.Table.from_pylist(rows[:100] if kind == 'mapping' else rows[100:], schema=schema), f'missing-{kind}.parquet')
`);
    execFileSync(await mlflowPython(), [join(folder, 'write_missing.py')], { cwd: folder });
    const names = async (file: string): Promise<readonly string[]> => partOf(await read(file, {}), 'current', '').features.map(({ name }) => name);
    assert.deepEqual([await names('missing-mapping.parquet'), await names('missing-field.parquet')], [['score'], ['score', 'x']]);
  });

  it('names the row of a Parquet file that cannot be read', async () => {
    writeFileSync(join(folder, 'late.jsonl'), records({ count: 6000 }).map((record, index) => `${JSON.stringify(index === 5000 ? { ...record, ts: null } : record)}\n`).join(''));
    await toParquet(join(folder, 'late.jsonl'), join(folder, 'late.parquet'), 2500);
    for (const options of [{ features: ['age'] }, { features: undefined }, { features: ['age'], threads: { script: STAGING, count: 2, least: 1 } }]) {
      assert.deepEqual((await read('late.parquet', options)).notes.examples, ['late.parquet, row 5001: ts is missing'], JSON.stringify(options.features));
    }
  });

  it('is cancelled while threads read', async () => {
    const cancel = new AbortController();
    const cut = read('log.parquet', { threads: { script: STAGING, count: 1, least: 1 } }, cancel.signal);
    // Before a thread has started.
    setTimeout(() => cancel.abort(), 10);
    await assert.rejects(cut, { code: 'cancelled' });
  });

  it('is cancelled before threads have been made', async () => {
    await assert.rejects(read('log.parquet', { threads: { script: STAGING, count: 1, least: 1 } }, AbortSignal.abort()), { code: 'cancelled' });
  });

  it('tells of a damaged row group what one thread tells, and counts what comes before', async () => {
    const bytes = readFileSync(join(folder, 'log.parquet'));
    bytes.fill(0x55, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 5000);
    writeFileSync(join(folder, 'damaged.parquet'), bytes);
    const [expected, found] = [await read('damaged.parquet', {}), await read('damaged.parquet', { threads: { script: STAGING, count: 2, least: 1 } })];
    assert.match(expected.notes.messages.join(), /damaged\.parquet: The Parquet file cannot be read/);
    assert.ok(expected.notes.rows > 0 && expected.notes.rows < RECORDS.count, String(expected.notes.rows));
    assert.deepEqual(found, expected);
  });

  it('counts the same where lines differ in names, order and spaces', async () => {
    await writeManyRecords(join(folder, 'mixed.jsonl'), { ...RECORDS, count: 500 });
    const odd = { ts: '2026-03-02T15:59:59+00:00', unit_id: 'u-ü', request_id: 'odd "1"', flag: 'fraud-v2', environment: 'production', service: 'credit', assigned_arm: 'current', latency_ms: 81.5, score: 0.25, error: 'über', features: { country: 'DE', age: 30, amount: 12 } };
    appendFileSync(join(folder, 'mixed.jsonl'), `${JSON.stringify(odd)}\n`);
    const { quality } = readQuality({ ...REFERENCE_METRICS, source: { log: 'mixed.jsonl' } });
    const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), features: REFERENCE_FEATURES, edges: REFERENCE_EDGES });
    const data = await source.read({ now: NOW, signal: AbortSignal.timeout(60_000) });
    assertAsReference(data, await referenceOf(join(folder, 'mixed.jsonl'), data.arms[0]?.score.edges ?? []));
  });
});
