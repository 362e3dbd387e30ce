import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SchemaElement } from 'hyparquet/src/types.js';
import { numbersOf } from '../../../src/adapters/rows/parquetNumbers.ts';

const LEAST = 100_000_000_000n;
const MOST = 100_000_000_000_000n;
const NANOS_OF = { MILLIS: 1_000_000n, MICROS: 1000n, NANOS: 1n } as const;

function element(fields: Partial<SchemaElement>): SchemaElement {
  return { name: 'x', type: 'INT64', ...fields };
}

/** As they stand in a page that begins at an odd place. */
function page(values: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(8 * values.length + 1);
  values.forEach((value, index) => bytes.writeBigInt64LE(value, 8 * index + 1));
  return bytes.subarray(1);
}

describe('numbers of a Parquet page', () => {
  it('are those that they stand for, or none where one cannot be told by a number', () => {
    const read = numbersOf(element({}), false) ?? assert.fail();
    fc.assert(fc.property(fc.array(fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n }), { minLength: 1, maxLength: 5 }), (values) => {
      const isExact = values.every((value) => value >= -(2n ** 53n) && value < 2n ** 53n);
      assert.deepEqual(read(page(values), values.length), isExact ? Float64Array.from(values, Number) : undefined);
    }), { seed: 20_261_130, numRuns: 500 });
  });

  it('are milliseconds where times are asked for, in any unit, or none where a record would take them for something else', () => {
    for (const unit of ['MILLIS', 'MICROS', 'NANOS'] as const) {
      const read = numbersOf(element({ logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit } }), true) ?? assert.fail();
      const perMilli = 1_000_000n / NANOS_OF[unit];
      const time = fc.bigInt({ min: 0n, max: (9_000_000_000_000n) * perMilli });
      fc.assert(fc.property(fc.array(fc.oneof(time, fc.bigInt({ min: 0n, max: 2n * MOST }), time.map((value) => value - (value % perMilli)), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })), { minLength: 1, maxLength: 3 }), (values) => {
        const millis = values.map((value) => (value - ((value % perMilli) + perMilli) % perMilli) / perMilli);
        assert.deepEqual(read(page(values), values.length), millis.every((each, index) => each >= LEAST && each < MOST && (unit === 'NANOS' || (values[index] ?? 0n) < 2n ** 53n)) ? Float64Array.from(millis, Number) : undefined);
      }), { seed: 20_261_130, numRuns: 500 });
    }
  });

  it('are left to others where their type says something else', () => {
    for (const fields of [{ type: 'BYTE_ARRAY' }, { converted_type: 'UINT_64' }, { type: 'FIXED_LEN_BYTE_ARRAY', converted_type: 'DECIMAL', scale: 2 }, { logical_type: { type: 'INTEGER', bitWidth: 64, isSigned: false } }, { logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' } }, { type: 'INT32', converted_type: 'DATE' }] as const) {
      assert.equal(numbersOf(element(fields), false), undefined, JSON.stringify(fields));
    }
  });

  it('are damaged where the page ends early', () => {
    for (const type of ['DOUBLE', 'INT32', 'INT64'] as const) assert.throws(() => numbersOf(element({ type }), false)?.(new Uint8Array(3), 1), /ends early/);
  });
});
