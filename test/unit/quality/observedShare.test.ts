import assert from 'node:assert/strict';
import { ratioOf } from '../../../src/core/quality/observedShare.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';

const MINUTE = 60_000;
const PER_MINUTE = 400;
const [RAISE, END] = [4 * 60 + 2, 10 * 60];

/** The share at a time, as `shareDuring` has it: 5 %, then 50. */
function shareAt(start: number, end: number): number | undefined {
  return end <= RAISE * MINUTE ? 0.05 : start - MINUTE >= RAISE * MINUTE ? 0.5 : undefined;
}

/** New units of both arms in windows of five minutes, as a log has them whose clock is behind by so many minutes. */
function arms(behind: number, until = END, split = (minute: number): number => (minute < RAISE ? 0.05 : 0.5)): readonly [QualityWindow[], QualityWindow[]] {
  const units = new Map<number, [number, number]>();
  for (let minute = 0; minute < until; minute += 1) {
    const start = Math.floor((minute - behind) / 5) * 5;
    const [own, other] = units.get(start) ?? [0, 0];
    units.set(start, [own + PER_MINUTE * split(minute), other + PER_MINUTE * (1 - split(minute))]);
  }
  const of = (index: 0 | 1): QualityWindow[] => [...units].map(([start, each]) => ({ arm: ['candidate', 'current'][index] ?? '', environment: 'production', service: '', start: start * MINUTE, end: (start + 5) * MINUTE, requests: each[index], units: each[index], metrics: {} }));
  return [of(0), of(1)];
}

describe('the share of units', () => {
  it('is as configured where the clock of the log is behind, and units after a raise look like units before it', () => {
    for (const behind of [0, 5, 6, 8, 20, 29]) {
      const { verdict, configured } = ratioOf(arms(behind), shareAt);
      assert.deepEqual([verdict, configured], ['as configured', 0.5], `${behind} min behind`);
    }
  });

  it('is a mismatch before a raise up to now, and after it', () => {
    const before = ratioOf(arms(0, RAISE, () => 0.07), () => 0.05);
    assert.deepEqual([before.verdict, before.configured], ['mismatch', 0.05]);
    const later = ratioOf(arms(0, END, (minute) => (minute < RAISE ? 0.07 : 0.5)), shareAt);
    assert.deepEqual([later.verdict, later.configured], ['mismatch', 0.05], 'what came long before the raise is not forgotten');
    assert.equal(ratioOf(arms(0, RAISE + 60, (minute) => (minute < RAISE ? 0.05 : 0.45)), shareAt).verdict, 'mismatch');
  });
});
