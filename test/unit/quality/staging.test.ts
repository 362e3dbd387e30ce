import assert from 'node:assert/strict';
import { LineReader } from '../../../src/adapters/predictionLog/lineReader.ts';
import { LONGEST_BETWEEN } from '../../../src/adapters/predictionLog/lineShape.ts';
import { readRecords } from '../../../src/adapters/predictionLog/readLines.ts';
import { Staging } from '../../../src/adapters/predictionLog/staging.ts';
import { wantedBy } from '../../../src/adapters/predictionLog/wanted.ts';
import { codedAt, type BatchRows } from '../../../src/core/quality/batch.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { Stager, type Drawn } from '../../../src/core/quality/stager.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { lines, records } from '../../support/qualityRecords.ts';

const FEATURES = ['amount', 'country'];
const DEFINITION = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }, { name: 'slow', bad: 'latency_ms > 80' }], source: { log: 'x' } }).quality ?? assert.fail();

/** Whatever is staged of records, row by row, with what stands apart and how many were refused. */
class Staged {
  readonly rows: unknown[] = [];
  readonly apart: unknown[] = [];
  readonly staging: Staging;

  constructor() {
    // So few rows that batches are begun again and again.
    const stager = new Stager(DEFINITION, { flags: ['fraud-v2'], features: FEATURES }, { most: 100 });
    this.staging = new Staging(stager, (batch, apart) => {
      for (let row = 0; row < batch.size; row += 1) this.rows.push(rowOf(batch, row));
      this.apart.push(...apart.map(({ row, index, record, reason }) => [row, index, record?.['role'], record?.['assigned_arm'], record?.['error'], reason]), [...batch.refused]);
      return batch;
    });
  }
}

function rowOf(batch: BatchRows, row: number): unknown {
  const { arms, keys, requests, units, times, flags, latencyBins, scoreBins, scores, labels, errors, versions, values, columns } = batch;
  const { environment, service, arm } = keys[arms[row] ?? 0] ?? assert.fail();
  return [environment, service, arm, requests[row], units[row], times[row], flags[row], latencyBins[row], scoreBins[row], scores[row], codedAt(labels, row) ?? null, codedAt(errors, row) ?? null, codedAt(versions, row), values.map((each) => each[row]), columns.map(({ numbers, others }) => [numbers[row], codedAt(others, row)])];
}

/** Reads lines, and stages what they say both as read and as JSON.parse has it. */
function both(all: readonly object[]): { readonly read: Staged; readonly parsed: Staged; readonly known: number } {
  const [read, parsed] = [new Staged(), new Staged()];
  const reader = new LineReader(wantedBy(DEFINITION, FEATURES));
  const text = Buffer.from(lines(all));
  let known = 0;
  const record = (each: object, index: number, drawn: Drawn | undefined): void => {
    if (drawn?.whose !== undefined) known += 1;
    read.staging.add(each as Record<string, unknown>, index, drawn);
  };
  const count = readRecords(reader, Buffer.concat([text, Buffer.alloc(LONGEST_BETWEEN + 64)]), 0, text.length, { record, malformed: (index, reason) => read.staging.malformed(index, reason) });
  assert.equal(count, all.length);
  for (const [index, each] of all.entries()) parsed.staging.add(JSON.parse(JSON.stringify(each)) as Record<string, unknown>, index, undefined);
  for (const { staging } of [read, parsed]) staging.close();
  return { read, parsed, known };
}

/** One row after another: of all of them a difference would take minutes to print. */
function assertSame(read: Staged, parsed: Staged): void {
  for (const [index, row] of parsed.rows.entries()) assert.deepEqual(read.rows[index], row);
  for (const [index, each] of parsed.apart.entries()) assert.deepEqual(read.apart[index], each);
  assert.deepEqual([read.rows.length, read.apart.length], [parsed.rows.length, parsed.apart.length]);
}

describe('what is staged of lines', () => {
  it('is what is staged of their records, where few arms take turns', () => {
    const { read, parsed, known } = both(records({ count: 20_000, share: 0.4 }));
    assertSame(read, parsed);
    assert.equal(read.rows.length, 20_000);
    assert.ok(known > 18_000, `whose they are was known of only ${known} lines`);
  });

  it('is what is staged of their records, whoever they are of', () => {
    const random = seeded(7);
    const pick = (list: readonly unknown[]): unknown => list[Math.floor(random() * list.length)];
    // Each of them stays for a while, so that there are shapes for it, and then another comes.
    const kinds = {
      environment: ['production', 'staging', '', null], service: ['credit', 'cards', ...Array.from({ length: 90 }, (_, index) => `pod-${index}`)], flag: ['fraud-v2', 'other', null], assigned_arm: ['current', 'candidate', 'canary', null], model_version: ['13', '14', 14, null],
      role: ['serving', 'shadow', 'SERVING', 'canary', null], fallback: [false, true, 'true', null], error: [null, 'timeout', '', false, 'NaN'],
    };
    const now: Record<string, unknown> = {};
    const names = Object.keys(kinds) as (keyof typeof kinds)[];
    for (const name of names) now[name] = kinds[name][0];
    const all = records({ count: 60_000 }).map((record) => {
      for (const name of names) if (random() < 0.00005) now[name] = pick(random() < 0.6 ? kinds[name].slice(0, 2) : kinds[name]);
      const own = Object.fromEntries(names.map((name) => [name, random() < 0.001 ? pick(kinds[name]) : now[name]]));
      return { ...record, ...own, ts: random() < 0.02 ? pick([null, 'soon', 0]) : record.ts, batch_id: random() < 0.02 ? `b-${Math.floor(random() * 9)}` : null, latency_ms: random() < 0.02 ? null : record.latency_ms };
    });
    const { read, parsed, known } = both(all);
    assertSame(read, parsed);
    assert.ok(read.rows.length > 3000 && read.apart.length > 1000, `${read.rows.length} rows, ${read.apart.length} apart`);
    assert.ok(known > 20_000, `whose they are was known of only ${known} lines`);
  });
});
