import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { parquetRecords } from '../../../src/adapters/rows/parquetRows.ts';
import { readRows } from '../../../src/adapters/rows/rows.ts';

describe('Parquet that is packed with LZ4', () => {
  it('is refused with what to do instead', async () => {
    // Written by pyarrow: assigned_arm and score.
    const path = fileURLToPath(new URL('../../fixtures/quality/lz4.parquet', import.meta.url));
    const { signal } = new AbortController();
    const mend = /packed with a codec that is not read \(LZ4 or LZO\): write it with Snappy or gzip\.$/;
    await assert.rejects(parquetRecords({ path, columns: ['score'] }, () => undefined, signal), mend);
    await assert.rejects(readRows(path, 'parquet', 'lz4.parquet', signal).next(), mend);
  });
});
