import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { plainBytes } from '../../../src/adapters/rows/parquetTexts.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { START } from '../../support/qualityRecords.ts';

describe('bytes of fixed length in Parquet', () => {
  it('are the text that they hold, or else their digits', () => {
    const digest = Uint8Array.from([0xff, 0x00, 0x41, 0xfe]);
    for (const [value, plain] of [[Buffer.from('u-12'), 'u-12'], [Buffer.from('u\0\0\0'), 'u'], [Buffer.from('é\0x'), 'é\0x'], [new Uint8Array(4), ''], [digest, 'ff0041fe'], [null, null], [5, 5]] as const) assert.equal(plainBytes(value), plain);
  });

  // Written by pyarrow in two row groups: ts, features.amount, and as binary(4) request_id, unit_id (five of them, one row has none) and error (`time` in the first row, else `none`).
  it('are ids and errors of a log, whether it is read by columns or by rows', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-bytes-'));
    try {
      copyFileSync(new URL('../../fixtures/quality/fixedIds.parquet', import.meta.url), join(folder, 'log.parquet'));
      for (const features of [undefined, ['amount']]) {
        const { quality } = readQuality({ source: { log: 'log.parquet' }, guardrails: [{ name: 'errors', bad: 'error' }] });
        const source = new LogSource({ folder, flags: ['fraud-v2'], definition: quality ?? assert.fail(), features });
        const { windows, notes } = await source.read({ now: START + 3_600_000, signal: new AbortController().signal });
        source.dispose();
        assert.deepEqual(windows.map(({ requests, units, metrics }) => [requests, units, metrics['errors']?.sum]), [[20, 6, 1]]);
        assert.deepEqual([notes.duplicates, notes.withoutUnit, notes.messages], [0, 1, []]);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
