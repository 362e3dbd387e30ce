/** One contract for every source: the same records give the same counts, wherever they are read. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQualitySource } from '../../src/adapters/quality/open.ts';
import { prepareReference, withReference } from '../../src/adapters/quality/reference.ts';
import { AppError } from '../../src/core/base/errors.ts';
import { qualitySchema } from '../../src/core/workspace/quality.ts';
import { LATENCY_EDGES } from '../../src/core/quality/bins.ts';
import { readQuality, type QualityDefinition } from '../../src/core/quality/definitions.ts';
import { driftFindings } from '../../src/core/quality/productionDrift.ts';
import type { SkewReport } from '../../src/core/quality/skew.ts';
import type { QualityData } from '../../src/core/quality/window.ts';
import { eventually } from '../support/eventually.ts';
import { mlflowPython } from '../support/mlflow.ts';
import { prometheusBinary, startExporter, startPrometheus, type Exporter, type RunningPrometheus } from '../support/prometheus.ts';
import { csv, lines, records, recordsOfToday, START, type PredictionRecord } from '../support/qualityRecords.ts';

const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], signals: [{ name: 'latency', mean: 'latency_ms' }] };
const ALL = records({ count: 4000, candidateErrors: 0.05 });
const main = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

function definition(source: unknown, by: readonly string[] = [], more: readonly object[] = []): QualityDefinition {
  const { quality, problems } = readQuality({ ...METRICS, signals: [...METRICS.signals, ...more], source, by });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** `arm metric` and, of a slice, which: n and sum over all windows. */
function totals(data: QualityData): Record<string, readonly [number, number]> {
  const found: Record<string, [number, number]> = {};
  for (const { arm, metrics, slice } of data.windows) {
    for (const [name, { n, sum }] of Object.entries(metrics)) {
      const key = [arm, name, slice].filter((part) => part !== undefined).join(' ');
      const before = found[key] ?? [0, 0];
      found[key] = [before[0] + n, before[1] + sum];
    }
  }
  return Object.fromEntries(Object.entries(found).sort().map(([key, [n, sum]]) => [key, [n, Math.round(sum * 1000) / 1000]]));
}

function expected(all: readonly PredictionRecord[]): Record<string, readonly [number, number]> {
  const of = (arm: string): [string, readonly [number, number]][] => {
    const own = all.filter(({ assigned_arm }) => assigned_arm === arm);
    const latency = own.reduce((sum, { latency_ms }) => sum + latency_ms, 0);
    return [[`${arm} errors`, [own.length, own.filter(({ error }) => error !== null).length]], [`${arm} latency`, [own.length, Math.round(latency * 1000) / 1000]], [`${arm} slow`, [own.length, own.filter(({ latency_ms }) => latency_ms > 80).length]]];
  };
  return Object.fromEntries([...of('candidate'), ...of('current')].sort());
}

/** Boundaries that the log's bins have, too. */
const BOUNDARIES = [10, LATENCY_EDGES[25] ?? 0, 100];

/** Counters and a histogram over some of the records, by country, as a service would expose them. */
function exposition(all: readonly PredictionRecord[]): string {
  return ['candidate', 'current'].flatMap((arm) => ['DE', 'FR', 'US'].map((country) => [arm, country] as const)).flatMap(([arm, country]) => {
    const labels = `arm="${arm}",country="${country}"`;
    const own = all.filter(({ assigned_arm, features }) => assigned_arm === arm && features.country === country);
    const failed = own.filter(({ error }) => error !== null).length;
    return [
      `predictions_total{${labels},outcome="ok"} ${own.length - failed}`, `predictions_total{${labels},outcome="error"} ${failed}`,
      ...[...BOUNDARIES, 80].map((le) => `latency_ms_bucket{${labels},le="${le}"} ${own.filter(({ latency_ms }) => latency_ms <= le).length}`), `latency_ms_bucket{${labels},le="+Inf"} ${own.length}`,
      `latency_ms_sum{${labels}} ${own.reduce((sum, { latency_ms }) => sum + latency_ms, 0)}`, `latency_ms_count{${labels}} ${own.length}`,
      `latency_ms_squared_sum{${labels}} ${own.reduce((sum, { latency_ms }) => sum + latency_ms ** 2, 0)}`,
    ];
  }).join('\n') + '\n';
}

/** How many answers of each arm took at most as long as each boundary, and how many there were. */
function upTo({ arms }: QualityData): Record<string, readonly number[]> {
  return Object.fromEntries(arms.map(({ arm, latency: { edges, counts } }): [string, readonly number[]] => {
    const below = (boundary: number): number => counts.slice(0, edges.indexOf(boundary) + 1).reduce((sum, count) => sum + count, 0);
    return [arm, [...BOUNDARIES.map(below), counts.reduce((sum, count) => sum + count, 0)]];
  }).sort());
}

const QUERIES = {
  errors: { total: 'predictions_total{arm="$arm"}', bad: 'predictions_total{arm="$arm",outcome="error"}' },
  slow: { total: 'latency_ms_count{arm="$arm"}', good: 'latency_ms_bucket{arm="$arm",le="80"}' },
  latency: { total: 'latency_ms_count{arm="$arm"}', sum: 'latency_ms_sum{arm="$arm"}', squares: 'latency_ms_squared_sum{arm="$arm"}' },
};

const recent = (count: number): PredictionRecord[] => records({ count }).map((record, index) => ({ ...record, ts: new Date(Date.now() - 60_000 - 10 * index).toISOString() }));

/** A log in three formats, and a program that recomputes amounts: by 10 wrong for a tenth of the requests. */
function skewed(folder: string): { readonly setup: Readonly<Record<string, () => void | Promise<void>>>; readonly program: string } {
  const all = recent(900);
  return {
    setup: {
      'log/a.jsonl': () => writeFileSync(join(folder, 'log', 'a.jsonl'), `${lines(all)}broken\n`),
      'log/a.csv': () => writeFileSync(join(folder, 'log', 'a.csv'), csv(all)),
      'log/a.parquet': async () => {
        writeFileSync(join(folder, 'log', 'b.jsonl'), lines(all));
        const { status, stderr } = spawnSync(await mlflowPython(), ['-c', "import pyarrow.json as j, pyarrow.parquet as pq\npq.write_table(j.read_json('log/b.jsonl'), 'log/a.parquet', row_group_size=200)"], { cwd: folder, encoding: 'utf8' });
        assert.equal(status, 0, stderr);
      },
    },
    program: `const by = Number(process.argv[2]);
const asked = require('node:fs').readFileSync(0, 'utf8').trim().split('\\n').map((line) => JSON.parse(line));
for (const { request_id, features: { amount, age } } of asked) console.log(JSON.stringify({ request_id, features: { amount: Number(request_id.slice(2)) % 10 === 0 ? amount + by : amount, age, trips: 3 } }));
console.log(JSON.stringify({ request_id: 'nobody asked', features: { amount: 1 } }));
`,
  };
}

describe('quality: one contract for every source', function () {
  this.timeout(240_000);
  let folder: string;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-quality-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (source: unknown, { features, by, signals, now = Date.now() }: { readonly features?: readonly string[] | undefined; readonly by?: readonly string[]; readonly signals?: readonly object[]; readonly now?: number } = {}): Promise<QualityData> => {
    const opened = openQualitySource(definition(source, by, signals), { ...(features === undefined ? {} : { features }), folder, flags: ['fraud-v2'], environment: 'production', fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}) });
    try {
      return await opened.read({ now, signal: AbortSignal.timeout(120_000) });
    } finally {
      opened.dispose();
    }
  };
  const cli = (...args: string[]): { status: number | null; stdout: string; stderr: string } => spawnSync(process.execPath, [main, ...args], { cwd: folder, encoding: 'utf8', env: { ...process.env, UNLEASH_TOKEN: '', UNLEASH_URL: '' } });
  const configure = (quality: string): void => writeFileSync(join(folder, 'modelswitch.yaml'), `version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    quality:\n${quality.trim().split('\n').map((line) => `      ${line}`).join('\n')}\n`);
  const refused = async (source: unknown): Promise<AppError> => {
    const error = await read(source).then(() => undefined, (thrown: unknown) => thrown);
    assert.ok(error instanceof AppError, String(error));
    return error;
  };

  it('JSON Lines', async () => {
    writeFileSync(join(folder, 'log.jsonl'), lines(ALL));
    assert.deepEqual(totals(await read({ log: 'log.jsonl' })), expected(ALL));
  });

  it('CSV', async () => {
    writeFileSync(join(folder, 'log.csv'), csv(ALL));
    assert.deepEqual(totals(await read({ log: 'log.csv' })), expected(ALL));
  });

  for (const compression of ['snappy', 'zstd']) {
    it(`Parquet, written by pyarrow in several row groups, ${compression}`, async () => {
      const python = await mlflowPython();
      const script = `import pyarrow as pa, pyarrow.json as j, pyarrow.parquet as pq\nt = j.read_json('log.jsonl')\nt = t.set_column(t.column_names.index('ts'), 'ts', t['ts'].cast(pa.timestamp('us', 'UTC')))\npq.write_table(t, 'log-${compression}.parquet', row_group_size=700, compression='${compression}')`;
      writeFileSync(join(folder, 'log.jsonl'), lines(ALL));
      const { status, stderr } = spawnSync(python, ['-c', script], { cwd: folder, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      const [parquet, log] = [await read({ log: `log-${compression}.parquet` }, { now: START + 3_600_000 }), await read({ log: 'log.jsonl' }, { now: START + 3_600_000 })];
      assert.deepEqual(totals(parquet), expected(ALL));
      assert.deepEqual(parquet.windows, log.windows);
      const counted = ({ production }: QualityData): unknown => production?.parts.map(({ arm, units, features }) => [arm, units, features.map(({ name, missing }) => [name, missing])]);
      assert.equal(parquet.production?.parts.length, 2);
      assert.deepEqual(counted(parquet), counted(log));
    });
  }

  it('Parquet in every way that pyarrow writes columns: ids that are missing, numbers, of any alphabet, with shadows and mappings that are not there', async () => {
    const odd = ALL.slice(0, 1500).flatMap((record, index) => {
      const ids = { request_id: index < 300 && index % 11 === 0 ? null : `r-${index % 13 === 0 ? 'ü' : ''}${index % 400 === 7 ? 0 : index}`, unit_id: index < 300 && index % 7 === 0 ? null : `ключ-${index % 90}`, batch_id: index % 50 < 5 ? `batch-${Math.floor(index / 50)}` : index % 9 === 0 ? '' : null };
      const served = { ...record, ...ids, number: index, features: index % 40 > 34 ? null : { ...record.features, age: index < 300 && index % 6 === 0 ? null : record.features.age } };
      return index % 5 === 0 ? [served, { ...served, role: 'shadow', score: Math.round((1 - record.score) * 1e4) / 1e4 }] : [served];
    }).map((record, row) => ({ ...record, model_version: Math.floor(row / 34) % 2 === 0 ? '14' : null }));
    const ways = ['', ', use_dictionary=False', ', data_page_version="2.0"', ', data_page_version="2.0", use_dictionary=False', ', data_page_size=1, write_batch_size=17', ', use_dictionary=False, column_encoding={"request_id": "DELTA_BYTE_ARRAY", "unit_id": "DELTA_LENGTH_BYTE_ARRAY"}', ', use_dictionary=["unit_id", "score"], data_page_size=500, write_batch_size=10'];
    const script = `import pyarrow.json as j, pyarrow.parquet as pq\nfor kind in ['text', 'number']:\n  t = j.read_json(kind + '.jsonl')\n  for i, way in enumerate([${ways.map((way) => `dict(${way.replace(/^, /, '')})`).join(', ')}]):\n    if kind == 'text' or 'column_encoding' not in way: pq.write_table(t, f'{kind}-{i}.parquet', row_group_size=600, **way)`;
    writeFileSync(join(folder, 'text.jsonl'), lines(odd));
    writeFileSync(join(folder, 'again.jsonl'), lines(odd));
    writeFileSync(join(folder, 'number.jsonl'), lines(odd.map((record) => ({ ...record, request_id: record.number, unit_id: record.number % 90, batch_id: null }))));
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    // Places have the names of files.
    const told = async (log: string | readonly string[]): Promise<QualityData> => { const { notes, ...data } = await read({ log }); return { ...data, notes: { ...notes, examples: [] } }; };
    for (const kind of ['text', 'number']) {
      const expectedData = await told(`${kind}.jsonl`);
      assert.ok((expectedData.shadow?.[0]?.examples.length ?? 0) > 5 && (kind === 'number' || expectedData.notes.duplicates > 0));
      for (const [number, way] of ways.entries()) if (kind === 'text' || !way.includes('column_encoding')) assert.deepEqual(await told(`${kind}-${number}.parquet`), expectedData, `${kind}${way}`);
    }
    // Ids are the same in either format.
    const [twice, both] = [await told(['text.jsonl', 'again.jsonl']), await told(['text.jsonl', 'text-0.parquet'])];
    assert.deepEqual(twice.notes.messages, ['again.jsonl, text.jsonl hold the same: what bears no request_id counts 2 times. Narrow the pattern.', ...both.notes.messages]);
    assert.deepEqual([{ ...both.notes, messages: twice.notes.messages }, both.arms.map(({ unitSums }) => unitSums)], [twice.notes, twice.arms.map(({ unitSums }) => unitSums)]);
  });

  it('ids and names that are whole numbers beyond 2^53 are told apart alike in every format, and joined across formats', async () => {
    // Neighbours, which numbers do not tell apart.
    const digits = (index: number): string => String(9_007_199_254_741_001n + BigInt(index));
    const all = ALL.slice(0, 1200).map((record, index) => ({ ...record, request_id: digits(index), unit_id: digits(5000 + (index % 90)), label: digits(7000 + (index % 3)), features: { ...record.features, account: digits(9000) } }));
    const text = lines(all).replace(/"(\d{16})"/g, '$1').trim().split('\n');
    // Lists are read in another way than what is alike.
    const written = (of: readonly string[]): string => `${of.map((line, index) => (index % 5 === 0 ? line.replace(/}$/, ',"tags":["a"]}') : line)).join('\n')}\n`;
    const outcomes = all.map(({ request_id: id, ts }, index) => `{"ts":${JSON.stringify(ts)},"request_id":${id},"converted":${index % 2}}`);
    writeFileSync(join(folder, 'whole.jsonl'), written(text));
    writeFileSync(join(folder, 'whole.csv'), csv(all));
    writeFileSync(join(folder, 'told-whole.jsonl'), `${outcomes.join('\n')}\n`);
    writeFileSync(join(folder, 'told-whole.csv'), `ts,request_id,converted\n${all.map(({ request_id: id, ts }, index) => `${ts},${id},${index % 2}`).join('\n')}\n`);
    const script = 'import json, pyarrow as pa, pyarrow.parquet as pq\nrows = [json.loads(line) for line in open("whole.jsonl")]\nfor row in rows: row.pop("tags", None)\nt = pa.Table.from_pylist(rows)\nassert t.schema.field("request_id").type == pa.int64() and t.schema.field("label").type == pa.int64(), t.schema\nfor d in [True, False]: pq.write_table(t, f"whole-{d}.parquet", row_group_size=500, use_dictionary=d)\npq.write_table(pa.Table.from_pylist([json.loads(line) for line in open("told-whole.jsonl")]), "told-whole.parquet")';
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const logs = ['whole.jsonl', 'whole.csv', 'whole-True.parquet', 'whole-False.parquet'];
    // By columns, record by record where outcomes are waited for, and with the ids as expressions read them.
    for (const by of [['label'], ['label', 'features.account'], ['label', 'unit_id']]) {
      for (const [index, log] of logs.entries()) {
        const told = await read({ log }, { by });
        const slices = [...new Set(told.windows.flatMap(({ slice }) => slice ?? []))].sort();
        const units = ({ arms }: QualityData): number => arms.reduce((sum, each) => sum + each.units, 0);
        assert.deepEqual([told.notes.rows, told.notes.duplicates, units(told), slices.filter((slice) => slice.startsWith('label'))], [1200, 0, 90, [0, 1, 2].map((number) => `label = ${digits(7000 + number)}`)], log);
        if (by.includes('features.account')) assert.ok(slices.includes(`account = ${Number(digits(9000))}`), slices.join());
        if (by.includes('unit_id')) assert.ok(slices.includes(`unit_id = ${digits(5000)}`), slices.join());
        const joined = await read({ log, outcomes: ['told-whole.jsonl', 'told-whole.csv', 'told-whole.parquet'][index % 3] ?? '' }, { by, signals: [{ name: 'conversion', mean: 'converted' }] });
        assert.deepEqual([joined.notes.outcomesWithoutPrediction, units(joined), totals(joined)['candidate conversion']?.[0], totals(joined)['current conversion']?.[0]], [0, 90, ...['candidate', 'current'].map((arm) => all.filter((record) => record.assigned_arm === arm).length)], log);
      }
    }
    const twice = await read({ log: logs });
    assert.deepEqual([twice.notes.duplicates, twice.arms.reduce((sum, { requests }) => sum + requests, 0)], [3600, 1200]);
  });

  it('NaN and infinities are counted alike in every format, and count as missing', async () => {
    const tokens = ['NaN', 'Infinity', '-Infinity'];
    const all = ALL.slice(0, 1200);
    const fields = ['score', 'latency_ms', 'amount'];
    /** Every tenth record has one of them, by turns, as its format writes it. */
    const oddAt = (index: number): { readonly field: string; readonly token: string } | undefined => (index % 10 === 0 ? { field: fields[(index / 10) % 3]!, token: tokens[(index / 30) % 3 | 0]! } : undefined);
    const text = all.map((record, index) => {
      const { field, token } = oddAt(index) ?? {};
      return JSON.stringify(record).replace(new RegExp(`"${field}":[\\d.]+`), `"${field}":${token}`);
    });
    const columns = csv(all).split('\n');
    const names = columns[0]!.split(',');
    const asCsv = columns.map((line, row) => {
      const odd = row === 0 || line === '' ? undefined : oddAt(row - 1);
      return odd === undefined ? line : line.split(',').map((value, column) => (names[column]?.replace('features.', '') === odd.field ? odd.token.replace('inity', '').toLowerCase() : value)).join(',');
    });
    writeFileSync(join(folder, 'odd.jsonl'), `${text.join('\n')}\n`);
    writeFileSync(join(folder, 'missing.jsonl'), `${text.join('\n').replace(/:-?(?:NaN|Infinity)/g, ':null')}\n`);
    writeFileSync(join(folder, 'odd.csv'), asCsv.join('\n'));
    const script = 'import json, pyarrow as pa, pyarrow.parquet as pq\nt = pa.Table.from_pylist([json.loads(line) for line in open("odd.jsonl")])\nfor d in [True, False]: pq.write_table(t, f"odd-{d}.parquet", row_group_size=500, use_dictionary=d)';
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const figures = ({ windows, arms, production }: QualityData): unknown => [windows, arms.map(({ units, latency, score }) => [units, latency, score]), production?.parts.map(({ arm, features }) => [arm, features.map(({ name, missing, values }) => [name, missing, values])])];
    // Columns of Parquet are read without records where features are named.
    for (const watched of [undefined, ['amount', 'age']]) {
      const missing = await read({ log: 'missing.jsonl' }, { features: watched, now: START + 3_600_000 });
      assert.equal(missing.notes.notFinite, 0);
      for (const log of ['odd.jsonl', 'odd.csv', 'odd-True.parquet', 'odd-False.parquet']) {
        const data = await read({ log }, { features: watched, now: START + 3_600_000 });
        assert.deepEqual([log, data.notes.rows, data.notes.malformed, data.notes.notFinite], [log, 1200, 0, 120]);
        assert.deepEqual(figures(data), figures(missing), log);
      }
    }
  });

  it('what is alike is no drift, whichever formats reference and log are of', async () => {
    const script = `import csv, datetime as dt, json, pyarrow as pa, pyarrow.parquet as pq
DAY = dt.datetime(2026, 1, 1)
def row(n):
    return {"date": (DAY + dt.timedelta(days=n % 40)).date(), "midnight": DAY + dt.timedelta(days=n % 30), "time": DAY + dt.timedelta(hours=n % 35, milliseconds=5), "zoned": (DAY + dt.timedelta(hours=n % 35)).replace(tzinfo=dt.timezone.utc),
        "large": 10**17 + 10**15 * (n % 60), "beyond": 2**53 + 1 + n % 3, "number": None if n % 9 == 0 else n % 70 / 8, "truth": None if n % 5 == 0 else n % 3 == 0}
def text(value):
    return value.isoformat(sep=" ") if isinstance(value, dt.datetime) else value.isoformat() if isinstance(value, dt.date) else value
def write(name, rows):
    pq.write_table(pa.Table.from_pylist(rows), name + ".parquet", row_group_size=500)
    open(name + ".jsonl", "w").writelines(json.dumps({key: text(value) for key, value in each.items()}) + "\\n" for each in rows)
    with open(name + ".csv", "w") as file:
        writer = csv.writer(file)
        writer.writerows([list(rows[0]), *([text(value) for value in each.values()] for each in rows)])
write("train", [row(13 * n) for n in range(1260)])
write("typed", [{"ts": dt.datetime(2026, 3, 2, 9, tzinfo=dt.timezone.utc) + dt.timedelta(seconds=n), "request_id": f"r{n}", "unit_id": f"u{n}", "environment": "production", "flag": "fraud-v2", "assigned_arm": "current", **{"features." + key: value for key, value in row(11 * n + 3).items()}} for n in range(1260)])
served = [json.loads(line) for line in open("typed.jsonl")]
open("typed.jsonl", "w").writelines(json.dumps({**{key: value for key, value in each.items() if "." not in key}, "features": {key[9:]: value for key, value in each.items() if "." in key}}) + "\\n" for each in served)
`;
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    for (const reference of ['train.jsonl', 'train.csv', 'train.parquet']) {
      for (const log of ['typed.jsonl', 'typed.csv', 'typed.parquet']) {
        const { quality } = readQuality({ source: { log }, drift: { reference } });
        const prepared = await prepareReference(quality ?? assert.fail(), folder, undefined, AbortSignal.timeout(60_000));
        const opened = openQualitySource(quality ?? assert.fail(), { folder, flags: ['fraud-v2'], environment: 'production', fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}), ...prepared.bins });
        const [found] = driftFindings(withReference(await opened.read({ now: Date.UTC(2026, 2, 2, 10), signal: AbortSignal.timeout(120_000) }), prepared), 'production');
        opened.dispose();
        const { features, notMeasured } = found?.report ?? assert.fail();
        assert.deepEqual([reference, log, notMeasured, features.length, features.filter(({ alarm, psi, because }) => alarm || !(psi < 0.05) || /the reference has/.test(because)).map(({ feature, because }) => [feature, because])], [reference, log, [], 8, []]);
      }
    }
  });

  it('outcomes that are null, blank or NaN are none in every format', async () => {
    const all = ALL.slice(0, 900);
    const outcomes = all.map(({ request_id }, index) => ({ request_id, outcome: index % 3 === 0 ? null : index % 3 === 1 ? Number.NaN : index % 2 }));
    const asText = ({ request_id, outcome }: typeof outcomes[number]): string => `{"request_id":"${request_id}","outcome":${String(outcome)}}\n`;
    writeFileSync(join(folder, 'told.jsonl'), lines(all) + outcomes.map(asText).join(''));
    writeFileSync(join(folder, 'served.jsonl'), lines(all));
    writeFileSync(join(folder, 'told.csv'), `request_id,outcome\n${outcomes.map(({ request_id, outcome }) => `${request_id},${outcome ?? ''}\n`).join('')}`);
    const script = 'import json, pyarrow as pa, pyarrow.parquet as pq\nrows = [json.loads(line) for line in open("told.jsonl")]\nrows[0]["outcome"] = None\nt = pa.Table.from_pylist(rows)\npq.write_table(t, "told.parquet", row_group_size=500)';
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    for (const log of [['told.jsonl'], ['served.jsonl', 'told.csv'], ['told.parquet']]) {
      const { quality } = readQuality({ source: { log: [...log] }, signals: [{ name: 'default', mean: 'outcome' }] });
      const opened = openQualitySource(quality ?? assert.fail(), { folder, flags: ['fraud-v2'], environment: 'production', fetch: (url, init) => fetch(url, init), credentialsFor: () => ({}) });
      const data = await opened.read({ now: START + 3_600_000, signal: AbortSignal.timeout(120_000) });
      opened.dispose();
      const [matured, labelled] = data.arms.reduce(([a, b], arm) => [a + arm.matured, b + arm.labelled], [0, 0]);
      assert.deepEqual([log, matured, labelled, data.notes.malformed, data.notes.notFinite], [log, 900, 300, 0, 300]);
      assert.equal(data.notes.messages.filter((message) => message.startsWith('600 records of outcomes tell none')).length, 1, data.notes.messages.join());
    }
  });

  it('times without a zone are the same instants in every format, wherever they are read', async () => {
    const all = ALL.slice(0, 600);
    const local = all.map((record) => ({ ...record, ts: record.ts.replace('T', ' ').replace('Z', '') }));
    writeFileSync(join(folder, 'zoned.jsonl'), lines(all));
    writeFileSync(join(folder, 'local.jsonl'), lines(local));
    writeFileSync(join(folder, 'local.csv'), csv(local));
    const script = 'import json, pyarrow as pa, pyarrow.parquet as pq\nrows = [json.loads(line) for line in open("local.jsonl")]\nt = pa.Table.from_pylist(rows)\npq.write_table(t, "text.parquet")\npq.write_table(t.set_column(t.column_names.index("ts"), "ts", t["ts"].cast(pa.timestamp("us"))), "naive.parquet")';
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const zone = process.env['TZ'];
    try {
      const { windows } = await read({ log: 'zoned.jsonl' }, { now: START + 3_600_000 });
      process.env['TZ'] = 'America/New_York';
      for (const log of ['local.jsonl', 'local.csv', 'text.parquet', 'naive.parquet']) {
        for (const features of [undefined, ['amount']]) {
          const data = await read({ log }, { features, now: START + 3_600_000 });
          assert.deepEqual([data.windows, data.notes.future], [windows, 0], log);
        }
      }
    } finally {
      if (zone === undefined) delete process.env['TZ'];
      else process.env['TZ'] = zone;
    }
  });

  it('records of other flags are told in every format', async () => {
    const all = ALL.slice(0, 600).map((record, index) => ({ ...record, flag: index % 3 === 0 ? 'fraud_v2' : 'fraud.v2' }));
    writeFileSync(join(folder, 'flags.jsonl'), lines(all));
    writeFileSync(join(folder, 'flags.csv'), csv(all));
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', 'import pyarrow.json as j, pyarrow.parquet as pq\npq.write_table(j.read_json("flags.jsonl"), "flags.parquet", row_group_size=250)'], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    for (const log of ['flags.jsonl', 'flags.csv', 'flags.parquet']) {
      for (const features of [undefined, ['amount']]) {
        const { arms, notes } = await read({ log }, { features, now: START + 3_600_000 });
        assert.deepEqual([log, arms, notes.rows, notes.messages[0]], [log, [], 600, '600 records of other flags (fraud.v2, fraud_v2) are left out: in modelswitch.yaml the model has fraud-v2.']);
      }
    }
  });

  it('answers of a fallback are no news of an arm\'s versions, in every format', async () => {
    // The candidate fails now and then, and at last, and current answers in its place.
    const all = ALL.slice(0, 900).map((record, index) => (record.assigned_arm === 'candidate' && (index % 30 < 4 || index > 880) ? { ...record, model_version: '13', fallback: true, error: 'timeout' } : record));
    const fallbacks = all.filter(({ fallback }) => fallback);
    const last = all.findLast(({ assigned_arm: arm, fallback }) => arm === 'candidate' && !fallback) ?? assert.fail();
    writeFileSync(join(folder, 'fallback.jsonl'), lines(all));
    writeFileSync(join(folder, 'fallback.csv'), csv(all));
    const script = 'import pyarrow.json as j, pyarrow.parquet as pq\nt = j.read_json("fallback.jsonl")\nfor d in [True, False]: pq.write_table(t, f"fallback-{d}.parquet", row_group_size=250, use_dictionary=d)';
    const { status, stderr } = spawnSync(await mlflowPython(), ['-c', script], { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    for (const log of ['fallback.jsonl', 'fallback.csv', 'fallback-True.parquet', 'fallback-False.parquet']) {
      for (const features of [undefined, ['amount']]) {
        const data = await read({ log }, { features, now: START + 3_600_000 });
        const candidate = data.arms.find(({ arm }) => arm === 'candidate') ?? assert.fail();
        assert.deepEqual([log, candidate.versions?.map((each) => [each.version, each.last, each.requests])], [log, [['14', Date.parse(last.ts), candidate.requests - fallbacks.length]]]);
        assert.deepEqual([totals(data), candidate.lastSeen], [expected(all), Math.max(...fallbacks.map(({ ts }) => Date.parse(ts)))], 'they count as predictions, and as errors');
      }
    }
  });

  it('a command that prints windows', async () => {
    const { windows } = await read({ log: 'log.jsonl' });
    writeFileSync(join(folder, 'windows.json'), JSON.stringify({ windows, design_effect: 2, warnings: ['late partition'] }));
    const data = await read({ exec: [process.execPath, '-e', 'process.stdout.write(require("node:fs").readFileSync("windows.json"))'] });
    assert.deepEqual(totals(data), expected(ALL));
    assert.deepEqual([data.designEffect, data.notes.messages], [2, ['late partition']]);
  });

  it('a command that fails, prints something else, or does not exist', async () => {
    assert.match((await refused({ exec: [process.execPath, '-e', 'console.error("no such table"); process.exit(3)'] })).message, /exit code 3: no such table/);
    assert.match((await refused({ exec: [process.execPath, '-e', 'console.log("hello")'] })).message, /did not print JSON/);
    assert.match((await refused({ exec: [process.execPath, '-e', 'console.log(JSON.stringify({windows: [{arm: 1}], design_effect: 1}))'] })).message, /window 1 \(arm 1, environment nothing, start nothing\): arm is 1: /);
    const printing = (change: object): Promise<AppError> => refused({ exec: [process.execPath, '-e', `console.log(${JSON.stringify(JSON.stringify({ design_effect: 1, windows: [{ arm: 'current', environment: 'production', start: '2026-03-02T10:00:00Z', end: 1, requests: 1, metrics: { latency: { n: 0, sum: 0 } }, ...change }] }))})`] });
    assert.match((await printing({ metrics: { errors: { n: 1, sum: 0 }, latency: { n: 0, sum: null } } })).message,
      /window 1 \(arm "current", environment "production", start "2026-03-02T10:00:00Z"\): sum of the metric "latency" is null: .+ In SQL the sum of no values is null: write coalesce\(sum\(\.\.\.\), 0\)\.$/);
    assert.match((await printing({ metrics: { latency: { n: -1, sum: 0 } } })).message, /n of the metric "latency" is -1: [^.]+\.$/);
    assert.match((await printing({ requests: null })).message, /start "2026-03-02T10:00:00Z"\): requests is null: /);
    assert.match((await printing({ metrics: { latency: 7 } })).message, /metrics\.latency is 7: /);
    assert.equal((await refused({ exec: ['./no-such-command'] })).code, 'network');
  });

  describe('a real Prometheus', () => {
    const binary = prometheusBinary();
    let prometheus: RunningPrometheus | undefined;
    let exporter: Exporter | undefined;
    let shown: readonly PredictionRecord[] = [];

    before(async function () {
      if ('reason' in binary) assert.fail(`This test needs Prometheus: ${binary.reason}.`);
      exporter = await startExporter(() => exposition(shown));
      prometheus = await startPrometheus(binary.binary, exporter.target);
    });
    after(async () => {
      await prometheus?.stop();
      exporter?.server.close();
    });

    it('tells the same counts, slices and buckets of latency, across a restart of the service', async () => {
      const source = { prometheus: { url: prometheus?.url, design_effect: 2, lookback: '1h', queries: QUERIES, latency: { buckets: 'latency_ms_bucket{arm="$arm"}', unit: 'ms' } } };
      const scraped = (): Promise<void> => exporter?.scraped() ?? assert.fail();
      // What a process has counted before it was first scraped is of nobody knows when.
      await eventually(async () => (await (await fetch(`${prometheus?.url ?? ''}/api/v1/query?query=predictions_total`)).text()).includes('"candidate"'), 30_000);
      shown = ALL.slice(0, 1000);
      await scraped();
      shown = ALL.slice(0, 3000);
      await scraped();
      // The process starts anew and counts from 0.
      shown = ALL.slice(3000);
      await scraped();
      const by = ['features.country'];
      writeFileSync(join(folder, 'log.jsonl'), lines(ALL));
      const [data, log] = [await read(source, { by }), await read({ log: 'log.jsonl' }, { by })];
      assert.deepEqual(totals({ ...data, windows: data.windows.filter(({ slice }) => slice === undefined) }), expected(ALL));
      assert.deepEqual(totals(data), totals(log));
      assert.deepEqual([...new Set(data.windows.map(({ slice }) => slice))].sort(), ['country = DE', 'country = FR', 'country = US', undefined]);
      assert.deepEqual(upTo(data), upTo(log));
      assert.ok(Object.values(upTo(data)).every((counts) => counts.length === 4 && counts.every((count, index) => count > (counts[index - 1] ?? 0) || index === 3)), JSON.stringify(upTo(data)));
      assert.deepEqual(data.notes.messages, []);
      // Prometheus itself knows no tenants.
      assert.deepEqual(totals(await read({ prometheus: { ...source.prometheus, tenant: 'team-a' } })), expected(ALL));
      assert.equal(data.designEffect, 2);
      assert.ok(data.arms.every(({ requests, lastSeen }) => requests > 0 && lastSeen > 0));
    });

    it('is told of on the command line as a log is: latency quantiles with their buckets, slices', () => {
      configure(`source: ${JSON.stringify({ prometheus: { url: prometheus?.url, design_effect: 1, lookback: '1h', queries: QUERIES, latency: { buckets: 'latency_ms_bucket{arm="$arm"}', unit: 'ms' } } })}\nguardrails: [{name: errors, bad: error}]\nby: [features.country]\n`);
      const { stdout, stderr } = cli('quality', '--environment', 'production');
      assert.match(stdout, /production +candidate +[\d.]+k? .* [45]\d\.?\d* \(31\.6 to 80\) +9\d\.?\d* +(?:9\d\.?\d*|100) /, stderr);
      assert.match(cli('compare', '--model', 'fraud', '--environment', 'production', '--markdown').stdout, /\| errors, country = DE \| [\d.]+ %/);
    });

    it('is asked PromQL as it stands, too, and its refusal is passed on', async () => {
      const queries = { ...QUERIES, errors: { total: 'sum(increase(predictions_total{arm="$arm"}[$range]))', bad: 'sum(increase(predictions_total{arm="$arm",outcome="error"}[$range]))' } };
      const data = await read({ prometheus: { url: prometheus?.url, design_effect: 1, queries } });
      assert.equal(data.arms.length, 2);
      const wrong = await refused({ prometheus: { url: prometheus?.url, design_effect: 1, queries: { ...QUERIES, errors: { total: 'sum(increase(predictions_total{arm="$arm"}[$range])', bad: 'sum(increase(predictions_total{arm="$arm",outcome="error"}[$range]))' } } } });
      assert.match(wrong.message, /refuses the query sum\(increase\(predictions_total.*parse error/);
    });
  });

  it('a real Prometheus whose scraping was interrupted tells nothing of a process from before', async () => {
    const binary = prometheusBinary();
    if ('reason' in binary) assert.fail(`This test needs Prometheus: ${binary.reason}.`);
    const now = Math.floor(Date.now() / 1000);
    // A healthy candidate, 30 % of whose answers failed long ago; nothing was scraped while the time that is read begins.
    const counter = (arm: string, outcome: string, from: number, each: number): string => Array.from({ length: 7 * 60 }, (_, index) => now - (7 * 60 - index) * 60).flatMap((at, index) => (Math.abs(at - (now - 6 * 3600)) < 600 ? [] : [`old_total{job="s",instance="${arm}",arm="${arm}",outcome="${outcome}"} ${from + each * index} ${at}`])).join('\n');
    const past = ['# TYPE old counter', counter('candidate', 'ok', 700_000, 196), counter('candidate', 'error', 300_000, 4), counter('current', 'ok', 970_000, 588), counter('current', 'error', 30_000, 12), '# EOF\n'].join('\n');
    const server = await startPrometheus(binary.binary, '127.0.0.1:9', past);
    try {
      const queries = { ...QUERIES, errors: { total: '{__name__="old_total",arm="$arm"}', bad: 'old_total{arm="$arm",outcome="error"}' } };
      const { arms, windows } = await read({ prometheus: { url: server.url, design_effect: 1, lookback: '6h', queries } }, { now: now * 1000 });
      const sum = (arm: string): unknown => ['n', 'sum'].map((key) => windows.filter((window) => window.arm === arm).reduce((all, { metrics }) => all + (metrics['errors']?.[key as 'n' | 'sum'] ?? 0), 0));
      // Of 360 minutes, ten are not known, and the first that is tells where counting begins.
      assert.deepEqual([arms.length, sum('candidate'), sum('current')], [2, [200 * 349, 4 * 349], [600 * 349, 12 * 349]]);
    } finally {
      await server.stop();
    }
  });

  it('a Prometheus that warns, answers in part, asks for a sign-in, or is none', async () => {
    let answer: { status: number; body: unknown } = { status: 200, body: { status: 'success', warnings: ['store is down'], isPartial: true, data: { resultType: 'matrix', result: [] } } };
    const server = createServer((_, response) => void response.writeHead(answer.status, { 'content-type': 'application/json' }).end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body)));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const source = { prometheus: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, design_effect: 1, queries: QUERIES } };
    try {
      const { notes } = await read(source);
      assert.deepEqual(notes.messages, ['Prometheus: store is down', 'Prometheus: the answer is partial', 'Prometheus has no data for errors.', 'Prometheus has no data for slow.', 'Prometheus has no data for latency.']);
      answer = { status: 401, body: {} };
      assert.equal((await refused(source)).code, 'auth');
      answer = { status: 200, body: '<html>' };
      assert.match((await refused(source)).message, /does not answer as Prometheus does/);
    } finally {
      server.close();
    }
  });

  it('a server of several tenants is told which, with every question', async () => {
    const asked: string[] = [];
    // As Mimir does, whose answers are Prometheus' own; Thanos has another name for it.
    const server = createServer(({ headers }, response) => {
      const tenant = headers['x-scope-orgid'] ?? headers['thanos-tenant'];
      asked.push(JSON.stringify([headers['x-scope-orgid'], headers['thanos-tenant'], headers.authorization]));
      if (tenant === undefined) response.writeHead(401).end('no org id\n');
      else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ status: 'success', data: { resultType: 'matrix', result: [] } }));
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const target = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, design_effect: 1, queries: { ...QUERIES, errors: { total: 'sum(increase(predictions_total{arm="$arm"}[$range]))', bad: 'sum(increase(predictions_total{arm="$arm",outcome="error"}[$range]))' } } };
    try {
      const { code, message } = await refused({ prometheus: target });
      assert.deepEqual([code, message], ['auth', `${target.url} asks for a tenant: add tenant: to source.prometheus in modelswitch.yaml.`]);
      for (const [more, seen] of [[{ tenant: 'team-a|team_b' }, '["team-a|team_b",null,null]'], [{ tenant: 'team-a', tenant_header: 'THANOS-TENANT' }, '[null,"team-a",null]']] as const) {
        asked.length = 0;
        assert.equal((await read({ prometheus: { ...target, ...more } })).windows.length, 0);
        assert.ok(asked.length > 6);
        assert.deepEqual([...new Set(asked)], [seen]);
      }
    } finally {
      server.close();
    }
    const section = (more: object): object => ({ ...METRICS, source: { prometheus: { ...target, ...more } } });
    assert.deepEqual(readQuality(section({ tenant_header: 'X-Scope-OrgID' })).problems, [{ path: ['source', 'prometheus', 'tenant_header'], message: 'needs tenant: the id that it names' }]);
    const refusal = (more: object): string | undefined => qualitySchema.safeParse(section(more)).error?.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join();
    assert.equal(refusal({ tenant: 'team-a' }), undefined);
    assert.match(refusal({ tenant: 'a\r\nAuthorization: x' }) ?? '', /^source\.prometheus\.tenant must be the id of a tenant/);
    assert.match(refusal({ tenant: 'a', tenant_header: 'Authorization' }) ?? '', /^source\.prometheus\.tenant_header must be one of X-Scope-OrgID, THANOS-TENANT/);
  });

  describe('on the command line', () => {
    const QUALITY = 'source: {log: log.jsonl}\nguardrails: [{name: errors, bad: error}]\nby: [features.country]\n';

    it('quality tells arms, verdicts and notes; exit code 1 when a guardrail is worse', () => {
      configure(QUALITY);
      writeFileSync(join(folder, 'log.jsonl'), `${lines(records({ count: 30_000, candidateErrors: 0.08 }))}broken\n`);
      const { status, stdout, stderr } = cli('quality');
      assert.equal(status, 1, stderr);
      assert.match(stdout, /production +candidate +[\d.]+k/);
      assert.match(stdout, /errors +[78][\d.]* % \([\d.]+ % to [\d.]+ %\), n [\d.]+k, \d+ units .* worse /);
      assert.match(stdout, /1 malformed record, left out\.\n *log\.jsonl:30001: no valid JSON/);
      const { comparisons, notes } = JSON.parse(cli('quality', '--json', '--percent', '25').stdout) as { comparisons: { metrics: { name: string; verdict: string }[]; sampleRatio: { verdict: string } }[]; notes: { malformed: number } };
      assert.deepEqual([comparisons[0]?.metrics[0]?.verdict, comparisons[0]?.sampleRatio.verdict, notes.malformed], ['worse', 'as configured', 1]);
    });

    it('compare without versions compares the arms, with slices', () => {
      configure(QUALITY);
      writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 5000 })));
      const { status, stdout } = cli('compare', '--model', 'fraud', '--markdown');
      assert.equal(status, 0);
      assert.match(stdout, /\| errors, country = DE \| [\d.]+ %/);
      assert.match(cli('compare', '--environment', 'nowhere').stderr, /no record of the environment "nowhere"\. There are: production/);
      assert.match(cli('quality', '--model', 'frad').stderr, /frad has no quality: .* Did you mean "fraud"\?/);
    });

    it('drift compares with the training data and the arms with each other', () => {
      configure(`${QUALITY}drift: {reference: train.csv, features: [amount, age, country]}`);
      const train = records({ count: 5000, seed: 5 }).map(({ features }) => `${features.amount},${features.age},${features.country}`);
      writeFileSync(join(folder, 'train.csv'), `amount,age,country\n${train.join('\n')}\n`);
      writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 5000, units: 4000 })));
      const healthy = cli('drift', '--json');
      const report = JSON.parse(healthy.stdout) as { drift: { production: string; window: string; report: { features: { feature: string; alarm: boolean }[] } }[] };
      assert.deepEqual(report.drift.map(({ production }) => production).sort(), ['candidate', 'candidate', 'current']);
      assert.deepEqual(report.drift.map(({ window }) => window.replace(/\d+/, 'n')), ['last n h', 'last n h', 'last n h']);
      assert.deepEqual(report.drift.slice(0, 2).map(({ window }) => window), ['last 24 h', 'last 24 h']);
      assert.deepEqual(report.drift[0]?.report.features.map(({ feature }) => feature).sort(), ['age', 'amount', 'country']);
      assert.equal(healthy.status, 0, healthy.stdout);
      writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 5000, units: 4000 }).map((record) => ({ ...record, features: { ...record.features, amount: record.features.amount * 2 } }))));
      const drifted = cli('drift');
      assert.equal(drifted.status, 1);
      assert.match(drifted.stdout, /^production: candidate against train\.csv, last 24 h\n.*\n +amount .*ALARM: PSI/m);
      assert.match(cli('drift', '--markdown').stdout, /^# Drift of fraud\n\n[^]*^## production: candidate against train\.csv, last 24 h$/m);
      writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 5000, units: 4000 }, 3 * 86_400_000)));
      const old = cli('drift');
      assert.deepEqual([old.status, /^production: /m.test(old.stdout)], [5, false]);
      assert.match(old.stdout, /Drift: the log has no record of production of the last 24 h; the newest is of \d{4}-\d\d-\d\d \d\d:\d\d UTC\./);
      configure(`${QUALITY}drift: {reference: train.csv, features: [amount, age, country], window: 4d}`);
      assert.match(cli('drift').stdout, /^production: candidate against train\.csv, last 96 h$/m);
      configure(`${QUALITY}drift: {reference: train.csv, features: [amunt]}`);
      assert.match(cli('drift').stderr, /train\.csv has no column amunt/);
    });

    it('drift does not pass where nothing was compared, and says why', () => {
      configure(`${QUALITY}drift: {features: [amount]}`);
      writeFileSync(join(folder, 'log.jsonl'), '');
      const empty = cli('drift');
      assert.deepEqual([empty.status, empty.stdout], [5, 'log.jsonl has no record.\nDrift: nothing was compared: the log has no record of the flags of this model.\n']);
      writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 200, share: 0 })));
      const alone = cli('drift', '--json');
      const { drift, notes } = JSON.parse(alone.stdout) as { drift: unknown[]; notes: { messages: string[] } };
      assert.deepEqual([alone.status, drift], [5, []]);
      assert.match(notes.messages.join(' '), /^Drift of production: nothing was compared: the records are of current only, and there is no reference\. Add drift: /);
    });

    it('drift measures against the training data that the registry names for a version', () => {
      const train = records({ count: 3000, seed: 5 }).map(({ features }) => `${features.amount},${features.age},${features.country}`);
      writeFileSync(join(folder, 'train.csv'), `amount,age,country\n${train.join('\n')}\n`);
      writeFileSync(join(folder, 'log.jsonl'), lines(recordsOfToday({ count: 3000, units: 3000 })));
      const registry = (data: string): void => writeFileSync(join(folder, 'registry.yaml'), `version: 1\nmodels:\n  fraud:\n    aliases: {challenger: "14"}\n    versions:\n      - {version: "14", run: {id: abc}, data: [${data}]}\n`);
      configure(`${QUALITY}drift: {reference: {training: candidate}, features: [amount, age, country]}`);
      registry('{name: train, digest: "1", source: "train.csv", context: training}, {name: holdout, digest: "2", source: "s3://bucket/holdout.csv", context: eval}');
      const { status, stdout, stderr } = cli('drift', '--registry', 'registry.yaml');
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^production: candidate against the training data of fraud 14 \(train\.csv\), last 24 h$/m);
      configure(`${QUALITY}drift: {reference: {training: "14", dataset: holdout}, features: [amount]}`);
      assert.match(cli('drift', '--registry', 'registry.yaml').stderr, /The data set holdout of fraud 14 comes from s3:\/\/bucket\/holdout\.csv, which is no file that can be read here/);
      configure(`${QUALITY}drift: {reference: {training: candidate}, features: [amount]}`);
      registry('');
      assert.match(cli('drift', '--registry', 'registry.yaml').stderr, /The run of fraud 14 names no data set/);
      assert.match(cli('drift').stderr, /No registry: give --registry/);
    });

    it('drift measures against the same hours of the week before, from the log itself', () => {
      configure(`${QUALITY}drift: {reference: {weeks_ago: 1, hours: 3}, features: [amount, age, country]}`);
      const [now, week] = [Date.now(), 7 * 86_400_000];
      const during = (until: number, firstId: number, factor = 1): object[] => records({ count: 3000, units: 3000, firstId }).map((record, index) => ({ ...record, ts: new Date(until - 10_000_000 + index * 3300).toISOString(), features: { ...record.features, amount: record.features.amount * factor } }));
      writeFileSync(join(folder, 'log.jsonl'), lines([...during(now - week, 0), ...during(now, 10_000)]));
      const calm = cli('drift', '--json');
      assert.equal(calm.status, 0, calm.stderr);
      const { drift } = JSON.parse(calm.stdout) as { drift: { production: string; reference: string }[] };
      assert.match(drift[0]?.reference ?? '', /^the same hours a week earlier \(\d{4}-\d\d-\d\d \d\d:00 to .* UTC\)$/);
      writeFileSync(join(folder, 'log.jsonl'), lines([...during(now - week, 0), ...during(now, 10_000, 2)]));
      const drifted = cli('drift');
      assert.equal(drifted.status, 1, drifted.stderr);
      assert.match(drifted.stdout, /candidate against the same hours a week earlier .*\n.*\n +amount .*ALARM: PSI/);
      writeFileSync(join(folder, 'log.jsonl'), lines(during(now, 0)));
      assert.match(cli('drift').stdout, /Drift has no reference: the log has no record of production from /);
    });

    it('drift --skew has the features of logged requests recomputed and compares them', async () => {
      const { setup, program } = skewed(folder);
      for (const [file, write] of Object.entries(setup)) {
        rmSync(join(folder, 'log'), { recursive: true, force: true });
        mkdirSync(join(folder, 'log'));
        await write();
        writeFileSync(join(folder, 'features.cjs'), program);
        configure(`${QUALITY.replace('log.jsonl', file)}skew: {exec: [${JSON.stringify(process.execPath)}, features.cjs, "10"], sample: 300}`);
        const { status, stdout, stderr } = cli('drift', '--skew', '--json');
        assert.equal(status, 1, stderr);
        const { skew } = JSON.parse(stdout) as { skew: SkewReport };
        assert.deepEqual([skew.asked, skew.told, skew.unknown, skew.notRecomputed, skew.notLogged], [300, 300, 1, ['country'], ['trips']], file);
        const [amount, age] = skew.features;
        assert.deepEqual([amount?.feature, amount?.alarm, age?.feature, age?.equal], ['amount', true, 'age', 300], file);
        assert.equal(amount?.largest?.difference, 10, file);
      }
    });

    it('drift --skew says what is wrong with the command, and that a shell reads none of its arguments', () => {
      writeFileSync(join(folder, 'log.jsonl'), lines(recent(200)));
      const skew = (...command: string[]): { status: number | null; stdout: string; stderr: string } => {
        configure(`${QUALITY}skew: {exec: ${JSON.stringify(command)}}`);
        return cli('drift', '--skew');
      };
      assert.match(skew(process.execPath, '-e', 'console.log("hello")').stderr, /printed something else in line 1: hello\. It must print \{"request_id"/);
      assert.match(skew(process.execPath, '-e', '0').stderr, /printed nothing: it must print/);
      assert.match(skew(process.execPath, '-e', 'console.error("no such table"); process.exit(2)').stderr, /failed with exit code 2: no such table/);
      assert.match(skew('./no-such-command').stderr, /cannot be started/);
      skew('echo', '$(touch started) ; touch started');
      assert.equal(existsSync(join(folder, 'started')), false);
      configure(QUALITY);
      assert.match(cli('drift', '--skew').stderr, /Nothing says how features are recomputed: add skew:/);
      writeFileSync(join(folder, 'log.jsonl'), lines(records({ count: 200 })));
      assert.match(skew('cat').stderr, /no served prediction with features and a request id since/);
    });

    it('shadow tells the pairs, or that there are none', () => {
      configure(QUALITY);
      const [served, staging] = [records({ count: 1000, share: 0 }), records({ count: 100, share: 0, environment: 'staging', firstId: 50_000 })];
      const shadow = (all: typeof served, score: (score: number) => number): object[] => all.map((record) => ({ ...record, role: 'shadow', assigned_arm: 'candidate', score: score(record.score) }));
      const log = (...all: readonly object[]): void => writeFileSync(join(folder, 'log.jsonl'), lines(all));
      log(...served, ...staging, ...shadow(served, (score) => Math.min(1, score + 0.02)));
      const { status, stdout, stderr } = cli('shadow');
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^Shadow against what was served in production\n.*\n +pairs .*\n +agreement +9[\d.]+ % \(.*Wilson 95 %\)/);
      const without = cli('shadow', '--environment', 'staging');
      assert.match(without.stderr, /no shadow answers to what was served in "staging"\. There are some in "production"\./);
      log(...served, ...staging, ...shadow(served, (score) => score), ...shadow(staging, (score) => 1 - score));
      const reports = (...args: string[]): unknown => (JSON.parse(cli('shadow', '--json', ...args).stdout) as { shadow: { environment: string; agreement: { share: number } }[] }).shadow.map(({ environment, agreement: { share } }) => [environment, share]);
      assert.deepEqual([reports(), reports('--environment', 'staging')], [[['production', 1], ['staging', 0]], [['staging', 0]]]);
      const unknown = cli('shadow', '--environment', 'nope');
      assert.match(unknown.stderr, /There is no record of the environment "nope"\. There are: production, staging\./);
      assert.ok(without.status !== 0 && unknown.status !== 0);
      log(...served);
      assert.match(cli('shadow').stderr, /no shadow answers/);
    });

    it('stands in the help', () => {
      const { stdout } = cli('--help');
      for (const command of ['quality', 'drift', 'shadow', 'compare']) assert.match(stdout, new RegExp(`^ {2}${command} `, 'm'));
      for (const command of ['quality', 'drift', 'compare']) assert.match(cli(command, '--help').stdout, /Exit: 0 no .+, 1 .+, 2 .+, 5 nothing could be read or compared/);
    });
  });
});
