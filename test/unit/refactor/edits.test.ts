import assert from 'node:assert/strict';
import fc from 'fast-check';
import { applySpanEdits, lineAfter, lineDiff, toReplacements } from '../../../src/core/refactor/edits.ts';

const text = fc.array(fc.constantFrom('a', 'b', 'c', '  d', ''), { maxLength: 12 }).chain((lines) => fc.constantFrom('\n', '\r\n', '\r').map((newline) => lines.join(newline)));

describe('edits of texts', () => {
  it('lead by whole lines from any text to any other', () => {
    fc.assert(fc.property(text, text, (before, after) => {
      const edits = lineDiff(before, after);
      assert.equal(applySpanEdits(before, edits), after);
      for (const { start } of edits) assert.ok(start === 0 || start === before.length || /[\r\n]/.test(before[start - 1]!));
    }), { seed: 20_261_130, numRuns: 2000 });
  });

  it('touch only the lines that differ', () => {
    const edits = toReplacements('a\nb\nc\nd\n', lineDiff('a\nb\nc\nd\n', 'a\nc\nx\nd\n'));
    assert.deepEqual(edits, [
      { range: { start: { line: 1, character: 0 }, end: { line: 2, character: 0 } }, text: '' },
      { range: { start: { line: 3, character: 0 }, end: { line: 3, character: 0 } }, text: 'x\n' },
    ]);
    assert.deepEqual([0, 2, 3].map((line) => lineAfter(edits, line)), [0, 1, 3]);
  });
});
