import assert from 'node:assert/strict';
import { latencyBin, scoreBin } from '../../../src/core/quality/bins.ts';
import { Stretches, sumOfStretches } from '../../../src/core/quality/stretches.ts';
import type { ArmStretch } from '../../../src/core/quality/window.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.parse('2026-03-02T10:00:00Z');

function counted(times: readonly number[], into = new Stretches()): Stretches {
  for (const time of times) {
    const stretch = into.at(time);
    const bin = latencyBin(1 + (time % 100));
    stretch.latency[bin] = (stretch.latency[bin] ?? 0) + 1;
    into.addLabelled(time, scoreBin((time % 7) / 7), time % 3 === 0);
    stretch.matured += 1;
  }
  return into;
}

const total = (all: readonly ArmStretch[]): number => all.reduce((sum, { latency }) => sum + latency.reduce((own, count) => own + count, 0), 0);

describe('histograms by stretches of time', () => {
  const month = Array.from({ length: 30 * 24 * 6 }, (_, index) => START + index * 10 * MINUTE + (index * 37_123) % MINUTE);

  it('are by the minute for two hours, by the hour for two weeks, by the day before that; nothing is lost', () => {
    const { all } = counted(month);
    const lengths = (long: number): readonly ArmStretch[] => all.filter(({ start, end }) => end - start === long);
    assert.equal(total(all), month.length);
    assert.equal(lengths(MINUTE).length + lengths(HOUR).length + lengths(DAY).length, all.length);
    const last = Math.floor((month.at(-1) ?? 0) / HOUR) * HOUR;
    assert.ok(lengths(MINUTE).every(({ start }) => start >= last - HOUR) && lengths(MINUTE).length >= 6);
    assert.ok(lengths(HOUR).every(({ start }) => start < last - HOUR && start >= last - 15 * DAY));
    assert.ok(lengths(DAY).every(({ start }) => start < last - 14 * DAY) && lengths(DAY).length >= 15);
    assert.ok(all.every(({ start }, index) => index === 0 || start >= (all[index - 1]?.end ?? 0)), 'none lies in another');
  });

  it('are the same in whatever order predictions come, and after being kept', () => {
    const { all } = counted(month);
    const shuffled = month.map((time, index) => ({ time, at: (index * 7919) % month.length })).sort((a, b) => a.at - b.at).map(({ time }) => time);
    assert.deepEqual(counted(shuffled).all, all);
    const kept = new Stretches(structuredClone(counted(month.slice(0, 2000)).all));
    assert.deepEqual(counted(month.slice(2000), kept).all, all);
  });

  it('have the counts that they were told, together', () => {
    const sums = sumOfStretches(counted(month).all);
    const positives = month.filter((time) => time % 3 === 0).length;
    assert.equal(sums.matured, month.length);
    assert.equal(sums.scoreOfPositives.counts.reduce((sum, count) => sum + count, 0), positives);
    assert.equal(sums.labelledScore.counts.reduce((sum, count) => sum + count, 0), month.length);
    assert.equal(sums.latency.counts[latencyBin(1)], month.filter((time) => latencyBin(1 + (time % 100)) === latencyBin(1)).length);
  });
});
