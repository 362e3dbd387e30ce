import assert from 'node:assert/strict';
import { cellClass } from '../../../src/webview/cells.ts';

describe('a cell of the dashboard', () => {
  it('has weight where something is bad, and less where nothing is known', () => {
    assert.deepEqual(['worse', 'void', 'ALARM: PSI 0.5', 'taken back by the guard'].map(cellClass), new Array(4).fill('bad'));
    assert.deepEqual(['insufficient data', 'insufficient data: not measured by fewer than 10 units'].map(cellClass), ['unknown', 'unknown']);
    assert.deepEqual(['not worse', 'undecided', 'PSI 0.01 is not above 0.100', '', 'insufficient database'].map(cellClass), new Array(5).fill(undefined));
  });
});
