import assert from 'node:assert/strict';
import { withoutNaN } from '../../../src/adapters/rows/lines.ts';
import { parsedLine } from '../../../src/adapters/rows/wholeNumbers.ts';

describe('lines with numbers that JSON or JavaScript does not have', () => {
  it('are read, whatever stands in their texts, and however long those are', () => {
    for (const text of ['x', '12345678901234567890 NaN {[', '\\" 12345678901234567890', '\\\\', 'x'.repeat(12_000_000), '\\n'.repeat(6_000_000)]) {
      const said = JSON.parse(`"${text}"`) as string;
      const wide = parsedLine(`{"a":"${text}","request_id":12345678901234567890,"features":{"b":12345678901234567890}}`) as Record<string, unknown>;
      assert.ok(wide['a'] === said && wide['request_id'] === '12345678901234567890');
      assert.deepEqual(wide['features'], { b: Number('12345678901234567890') });
      const none = withoutNaN(`{"a":"${text}","score":NaN,"b":-Infinity}`) as Record<string, unknown>;
      assert.ok(none['a'] === said && none['score'] === Infinity && none['b'] === Infinity);
    }
    assert.equal(withoutNaN('{"a":\\NaN}'), undefined);
    assert.equal(withoutNaN('{"a":NaNs}'), undefined);
  });
});
