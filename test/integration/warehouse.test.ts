/** The SQL of docs/quality.md, as it stands there, gives what the log gives over the same records. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openQualitySource } from '../../src/adapters/quality/open.ts';
import { readQuality } from '../../src/core/quality/definitions.ts';
import { dispersion } from '../../src/core/quality/stats/dispersion.ts';
import type { QualityData, QualityWindow } from '../../src/core/quality/window.ts';
import { seeded } from '../support/guardSimulation.ts';
import { lines, records, START } from '../support/qualityRecords.ts';
import { duckdbPython } from '../support/reference.ts';

const HOUR = 3_600_000;
const METRICS = { guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'latency', mean: 'latency_ms' }], window: '1h' };
const DOCUMENT = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'quality.md'), 'utf8');
const SQL = /^```sql\n([^]*?)^```$/m.exec(DOCUMENT)?.[1] ?? assert.fail('docs/quality.md has no SQL');
const TABLE = `create table predictions as select * from read_json('log.jsonl', format = 'newline_delimited', columns = {ts: 'TIMESTAMP', request_id: 'VARCHAR', unit_id: 'VARCHAR', environment: 'VARCHAR', service: 'VARCHAR',
  flag: 'VARCHAR', assigned_arm: 'VARCHAR', role: 'VARCHAR', batch_id: 'VARCHAR', latency_ms: 'DOUBLE', error: 'VARCHAR', outcome: 'INTEGER'})`;

const NO_ERROR = ['', 'None', 'null', 'N/A', ' nil', 'undefined', '-', '[]', 'NaN', 'False', 0, false, []] as const;
const SERVED = ['serving', 'Serving', 'SERVING ', '', 'None', null] as const;

/** Four hours of what services really write: the same people in two environments, shadows before what was served, and much that is missing. */
function odd(): object[] {
  const random = seeded(5);
  return records({ count: 4000, units: 300, seed: 3, candidateErrors: 0.2 }).flatMap((record, index): object[] => {
    const at = START + index * 3600;
    const luck = random();
    const served = {
      ...record, ts: new Date(at).toISOString(), environment: index % 3 === 0 ? 'development' : 'production', service: index % 5 === 0 ? 'loans' : 'credit',
      // Sums of quarters are exact in any order. In the third hour no candidate tells its latency, in the fourth nobody does.
      latency_ms: at >= START + 3 * HOUR || (at >= START + 2 * HOUR && record.assigned_arm === 'candidate') || luck < 0.05 ? null : Math.round(record.latency_ms * 4) / 4,
      batch_id: index % 40 < 6 ? `batch-${Math.floor(index / 160)}` : index % 7 === 0 ? '' : null,
      unit_id: luck > 0.9 ? null : luck > 0.85 ? '' : record.unit_id,
      request_id: luck > 0.95 ? null : record.request_id,
      assigned_arm: luck > 0.7 && luck < 0.72 ? 'current' : record.assigned_arm,
      // Some people fail again and again.
      error: record.error ?? (luck > 0.4 && record.unit_id.endsWith('7') ? 'broken account' : luck < 0.2 ? NO_ERROR[index % NO_ERROR.length] : null),
      role: luck < 0.3 ? undefined : luck < 0.5 ? SERVED[index % SERVED.length] : 'serving',
    };
    const shadow = { ...served, ts: new Date(at - 1800).toISOString(), role: index % 8 === 0 ? 'Shadow' : 'shadow', assigned_arm: 'candidate', model_version: '14' };
    return [
      // A record that names no request cannot be known to have come twice.
      ...(index % 4 === 0 && served.request_id !== null ? [shadow] : []), served, ...(index % 50 === 0 && served.request_id !== null ? [{ ...served, ts: new Date(at + 900).toISOString() }] : []),
      ...(index % 60 === 0 ? [{ ...served, flag: 'other', request_id: `other-${index}` }] : []), ...(index % 30 === 0 && served.request_id !== null ? [{ request_id: served.request_id, outcome: 1 }] : []),
    ];
  });
}

describe('the SQL of docs/quality.md', function () {
  this.timeout(120_000);
  let folder: string;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-warehouse-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const read = async (source: object): Promise<QualityData> => {
    const { quality, problems } = readQuality({ ...METRICS, source });
    assert.deepEqual(problems, []);
    const opened = openQualitySource(quality ?? assert.fail(), { folder, flags: ['fraud-v2', 'fraud-v2.shadow'], environment: 'production', fetch: () => assert.fail('asks a server'), credentialsFor: () => ({}) });
    try {
      return await opened.read({ now: START + 10 * HOUR, signal: AbortSignal.timeout(60_000) });
    } finally {
      opened.dispose();
    }
  };
  const plain = ({ windows }: QualityData): unknown[] => windows
    .map(({ arm, environment, service, start, end, requests, units, metrics }: QualityWindow) => ({ arm, environment, service, start, end, requests, units, metrics: { errors: metrics['errors'], latency: metrics['latency'] } }))
    .map((window) => [JSON.stringify([window.start, window.environment, window.service, window.arm]), window] as const).sort(([a], [b]) => (a < b ? -1 : 1)).map(([, window]) => window);

  it('tells the windows that the log tells, of records that are odd in every way', async () => {
    const python = await duckdbPython();
    writeFileSync(join(folder, 'log.jsonl'), lines(odd()));
    writeFileSync(join(folder, 'windows.sql'), SQL);
    execFileSync(python, ['-c', `import duckdb, sys\nduckdb.connect('warehouse.db').execute(sys.argv[1])`, TABLE], { cwd: folder });
    const log = await read({ log: 'log.jsonl' });
    const told = await read({ exec: [python, '-c', `import duckdb\nprint(duckdb.connect('warehouse.db', read_only=True).execute(open('windows.sql').read()).fetchone()[0])`] });
    // Units that were seen in both arms count once in the log, and here in each.
    const effects = ['errors', 'latency'].flatMap((metric) => ['production', 'development'].map((environment) => dispersion(log.arms.filter((arm) => arm.environment === environment).flatMap(({ unitSums }) => unitSums[metric] ?? []))));
    assert.ok(Math.abs((told.designEffect ?? 0) / Math.max(...effects) - 1) < 0.05, `${told.designEffect} beside ${effects.join()}`);
    assert.ok((told.designEffect ?? 0) > 1.05);
    assert.deepEqual(told.notes.messages, []);
    const { duplicates, withoutUnit, unitsInBothArms, malformed } = log.notes;
    assert.ok(duplicates > 50 && withoutUnit > 200 && unitsInBothArms > 10 && malformed === 0 && (log.shadow ?? []).reduce((sum, { pairs }) => sum + pairs, 0) > 500, JSON.stringify(log.notes));
    assert.ok(log.windows.some(({ metrics }) => metrics['latency']?.n === 0), 'no hour without a latency');
    assert.equal(new Set(log.windows.map(({ environment, service }) => `${environment} ${service}`)).size, 4);
    assert.deepEqual(plain(told), plain(log));
    const lastSeen = ({ arms }: QualityData): readonly string[] => arms.map((arm) => `${arm.environment} ${arm.arm} ${arm.lastSeen}`).sort();
    assert.deepEqual(lastSeen(told), lastSeen(log));
  });
});
