import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FileMetaData, SchemaTree } from 'hyparquet';
import { ColumnPages } from '../../../src/adapters/rows/parquetPages.ts';

/** A page of two int32 as Parquet writes it: the header in Thrift's compact protocol, the values plain. */
function dataPage(values: readonly [number, number]): Buffer {
  const header = Buffer.from('1500151015102c15041500150615060000', 'hex');
  const bytes = Buffer.alloc(8);
  values.forEach((value, index) => bytes.writeInt32LE(value, 4 * index));
  return Buffer.concat([header, bytes]);
}

/** Of a kind that holds no values, and is empty. */
const INDEX_PAGE = Buffer.from('15021500150000', 'hex');

describe('pages of a Parquet column', () => {
  it('tells each value once where a page between two others holds none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-pages-'));
    const bytes = Buffer.concat([dataPage([1, 2]), INDEX_PAGE, dataPage([3, 4])]);
    writeFileSync(join(folder, 'column'), bytes);
    const file = openSync(join(folder, 'column'), 'r');
    try {
      const step = (name: string): SchemaTree => ({ children: [], count: 0, element: { name, type: 'INT32', repetition_type: 'REQUIRED' }, path: [] });
      const meta = { path_in_schema: ['x'], codec: 'UNCOMPRESSED', type: 'INT32', encodings: ['PLAIN'], num_values: 4n, data_page_offset: 0n, total_compressed_size: BigInt(bytes.length), total_uncompressed_size: BigInt(bytes.length) } as const;
      const group = { columns: [{ file_offset: 0n, meta_data: meta }], num_rows: 4n, total_byte_size: 0n } as unknown as FileMetaData['row_groups'][number];
      const pages = new ColumnPages(file, { path: ['x'], schemaPath: [step('root'), step('x')] }, group);
      const told: unknown[] = [];
      for (let row = 0; row < 4; row += 1) {
        pages.fill();
        told.push(pages.values[pages.at]);
        pages.at += 1;
      }
      assert.deepEqual(told, [1, 2, 3, 4]);
      assert.throws(() => pages.fill(), /the column x ends early/);
    } finally {
      closeSync(file);
      rmSync(folder, { recursive: true });
    }
  });
});
