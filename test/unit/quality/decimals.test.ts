import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FileMetaData, SchemaTree } from 'hyparquet';
import { decimalOf } from '../../../src/adapters/rows/decimals.ts';
import { ColumnPages } from '../../../src/adapters/rows/parquetPages.ts';
import { parquetRecords } from '../../../src/adapters/rows/parquetRows.ts';
import { readRows } from '../../../src/adapters/rows/rows.ts';
import type { Row } from '../../../src/core/suites/model.ts';

/**
 * written by pyarrow with `store_decimal_as_integer`: 0.10, 0.29, 0.30, 0.57, 0.70, -0.57, none, 1.10 as DECIMAL(9, 2), (18, 3) and (38, 18), each with a dictionary and plain, and as a field of the struct `features`;
 * `wide` is 1 / 3, `id` counts from 2^53 + 1, and `list` is a list.
 */
const FILE = fileURLToPath(new URL('../../fixtures/quality/decimals.parquet', import.meta.url));
const NUMBERS = [0.1, 0.29, 0.3, 0.57, 0.7, -0.57, null, 1.1];
const OF_NUMBERS = ['int32', 'int32_plain', 'int64', 'int64_plain', 'fixed', 'fixed_plain'];
const IDS = Array.from(NUMBERS, (_, index) => String(2n ** 53n + 1n + BigInt(index)));
const { signal } = new AbortController();

async function rowsOf(use: 'counted' | 'replayed'): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const row of readRows(FILE, 'parquet', 'decimals.parquet', signal, use)) rows.push(row);
  return rows;
}

async function recordsOf(columns: readonly string[]): Promise<Record<string, unknown>[]> {
  const records: Record<string, unknown>[] = [];
  await parquetRecords({ path: FILE, columns }, (record) => { records.push(structuredClone({ ...record })); }, signal);
  return records;
}

describe('decimals of Parquet', () => {
  it('are the numbers that their digits are in JSON, whole ones beyond 2^53 the texts of an id', async () => {
    // A column of lists has all rows assembled by hyparquet.
    for (const others of [[], ['list']]) {
      const records = await recordsOf([...OF_NUMBERS, 'features', 'wide', 'id', ...others]);
      for (const name of OF_NUMBERS) assert.deepEqual(records.map((record) => record[name] ?? null), NUMBERS, name);
      assert.deepEqual(records.map(({ features }) => (features as { readonly rate: unknown } | null)?.rate ?? null), NUMBERS);
      assert.deepEqual(records.map(({ wide, id }) => [wide, id]), IDS.map((id) => [1 / 3, id]));
    }
  });

  it('are those of a reference, too', async () => {
    const rows = await rowsOf('counted');
    for (const name of OF_NUMBERS) assert.deepEqual(rows.map((row) => row[name]), NUMBERS, name);
    assert.deepEqual(rows.map(({ features }) => (features as { readonly rate: unknown } | null)?.rate ?? null), NUMBERS);
    assert.deepEqual([rows[0]?.['wide'], rows[0]?.['id'], rows[0]?.['list']], [1 / 3, 2 ** 53, [1]]);
    const [replayed] = await rowsOf('replayed');
    assert.equal(replayed?.['id'], IDS[0]);
  });

  it('are the nearest numbers of any length and scale', () => {
    for (let unscaled = -2000; unscaled <= 2000; unscaled += 1) for (const scale of [0, 1, 2, 3, 18, 22, 23, 30]) assert.ok(Object.is(decimalOf(unscaled, scale), Number(`${unscaled}e${-scale}`)), `${unscaled} ${scale}`);
    for (const [stored, scale, number] of [[Uint8Array.of(0x39), 2, 0.57], [Uint8Array.of(0xc7), 2, -0.57], [Uint8Array.of(), 2, 0], [Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0x39), 2, 0.57], [new Uint8Array(16).fill(0xff), 1, -0.1], [2n ** 53n + 1n, 0, 2n ** 53n + 1n], [2n ** 60n, 18, 1.152921504606847], [undefined, 2, undefined]] as const) assert.equal(decimalOf(stored, scale), number);
  });

  it('may be bytes of any length each', () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-decimals-'));
    // A page of two values in Thrift's compact protocol, 0.57 in one byte and 5.69 in two of them, each after its length.
    const bytes = Buffer.from('1500151615162c150415001506150600000100000039020000000239', 'hex');
    writeFileSync(join(folder, 'column'), bytes);
    const file = openSync(join(folder, 'column'), 'r');
    try {
      const step = (fields: Partial<SchemaTree['element']>): SchemaTree => ({ children: [], count: 0, element: { name: 'x', repetition_type: 'REQUIRED', ...fields }, path: [] });
      const meta = { path_in_schema: ['x'], codec: 'UNCOMPRESSED', type: 'BYTE_ARRAY', encodings: ['PLAIN'], num_values: 2n, data_page_offset: 0n, total_compressed_size: BigInt(bytes.length), total_uncompressed_size: BigInt(bytes.length) } as const;
      const group = { columns: [{ file_offset: 0n, meta_data: meta }], num_rows: 2n, total_byte_size: 0n } as unknown as FileMetaData['row_groups'][number];
      const pages = new ColumnPages(file, { path: ['x'], schemaPath: [step({}), step({ type: 'BYTE_ARRAY', converted_type: 'DECIMAL', scale: 2 })] }, group);
      pages.fill();
      assert.deepEqual(Array.from(pages.values), [0.57, 5.69]);
    } finally {
      closeSync(file);
      rmSync(folder, { recursive: true });
    }
  });
});
