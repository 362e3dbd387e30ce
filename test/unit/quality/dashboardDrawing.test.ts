import assert from 'node:assert/strict';
import { alignedSteps } from '../../../src/webview/steps.ts';
import { timeLabels } from '../../../src/webview/timeLabels.ts';

describe('what the dashboard draws', () => {
  const at = (time: string): number => Date.parse(`2026-03-${time}Z`) / 1000;

  it('has times on its axes as in its tables, each day once', () => {
    assert.deepEqual(timeLabels([at('02T22:00:00'), at('02T23:00:00'), at('03T00:00:00'), at('03T01:00:00')], 3600), ['22:00\n2026-03-02', '23:00', '00:00\n2026-03-03', '01:00']);
    assert.deepEqual(timeLabels([at('02T00:00:00'), at('03T00:00:00')], 86_400), ['2026-03-02', '2026-03-03']);
    assert.deepEqual(timeLabels([at('02T10:05:00'), at('02T10:05:10')], 10), ['10:05:00\n2026-03-02', '10:05:10']);
    assert.deepEqual(timeLabels([at('02T10:05:00'), at('02T10:05:00.250')], 0.25), ['10:05:00.000\n2026-03-02', '10:05:00.250']);
  });

  it('holds a step until the next, knows nothing where nothing is known, and leads other lines over its points', () => {
    const observed = { label: 'observed', arm: 'candidate' as const, values: [0.1, null, 0.2] };
    const configured = { label: 'configured', arm: 'other' as const, x: [1, 4, 5, 10, 12], values: [0.05, 0.5, null, 0.05, 0.05] };
    const { x, valuesOf } = alignedSteps({ x: [3, 8, 14], series: [configured, observed] });
    assert.deepEqual(x, [1, 3, 4, 5, 8, 10, 12, 14]);
    assert.deepEqual(valuesOf(configured), [0.05, 0.05, 0.5, null, null, 0.05, 0.05, undefined]);
    assert.deepEqual(valuesOf(observed), [undefined, 0.1, undefined, undefined, null, undefined, undefined, 0.2]);
    assert.deepEqual(alignedSteps({ x: [3, 8, 14], series: [observed] }).x, [3, 8, 14]);
  });
});
