import assert from 'node:assert/strict';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { aboveRateSince, EvidenceProcess, nullShare, worseSince, type CountInterval } from '../../../src/core/quality/stats/countRule.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import { watchChampion } from '../../../src/core/releases/championWatch.ts';
import { MINUTE, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';

describe('the words of a breach after long health', () => {
  const world = released(3);
  const early = windows({ start: lastEvent(world) + 5 * MINUTE, count: 100, perWindow: 1000 });
  const QUALITY = { plain: { name: 'errors', bad: 'error' }, limited: { name: 'errors', bad: 'error', max_ratio: 100, limit: 0.025 } };
  const reason = (late: readonly QualityWindow[], guardrail: object = QUALITY.plain): string => {
    const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [guardrail], window: '5min' }).quality ?? assert.fail();
    const { verdict } = assess(world, [...early, ...late], { model: model({ quality }) });
    assert.equal(verdict.word, 'rollback');
    return verdict.reasons[0]?.words ?? '';
  };

  it('are of the time since when it is so, not of all, in which it is within what is tolerated', () => {
    const start = early.at(-1)!.end;
    for (const [candidateErrors, count] of [[0.04, 15], [0.2, 2]] as const) {
      const [, value, n, ratio, since] = /^errors ([\d.]+) % vs 2 % \(n ([\d.]+k?)\), ratio ([\d.]+) above 1\.2 since (.+) UTC$/.exec(reason(windows({ start, count, perWindow: 1000, candidateErrors }))) ?? assert.fail();
      assert.deepEqual([value, n, ratio, Date.parse(`${since ?? ''}Z`)], candidateErrors === 0.04 ? ['4', '3.8k', '2', start] : ['20', '500', '10', start]);
    }
  });

  it('are of all where all of it is so', () => {
    const bad = windows({ start: lastEvent(world) + 5 * MINUTE, count: 40, perWindow: 1000, candidateErrors: 0.04 });
    assert.equal(assess(world, bad, { model: model({ quality: readQuality({ source: { log: 'x.jsonl' }, guardrails: [QUALITY.plain] }).quality ?? assert.fail() }) }).verdict.reasons[0]?.words, 'errors 4 % vs 2 % (n 10k), ratio 2 above 1.2');
  });

  it('say the same of a limit, in a release and of what serves', () => {
    const start = early.at(-1)!.end;
    // Blocks are of 10,000 predictions, here of the candidate alone: the third begins before the errors do, and holds most of the evidence all the same.
    const [, since] = /^errors 4 % \(n 10k\) since (.+) UTC, limit 2\.5 %$/.exec(reason(windows({ start, count: 20, perWindow: 1000, candidateErrors: 0.06, currentErrors: 0.06 }), QUALITY.limited)) ?? assert.fail();
    assert.equal(Date.parse(`${since ?? ''}Z`), early[160]?.start);
    const now = start + 200 * MINUTE;
    const served = [...early, ...windows({ start, count: 40, perWindow: 1000, candidateErrors: 0.06, currentErrors: 0.06 })];
    const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [QUALITY.limited] }).quality ?? assert.fail();
    assert.match(watchChampion({ model: model({ quality }), quality: { kind: 'data', data: data(served) }, now, reading: released(0).reading() })?.alarms[0] ?? '', /^production: errors is 0\.06 \(n 40k\) since .+ UTC, past its limit 0\.025$/);
  });

  it('begin where the restart does that has most of the evidence', () => {
    const of = (candidateBad: number, bad: number, block: number): CountInterval => ({ candidateBad, bad, candidateCount: 2500, currentCount: 7500, block });
    const intervals = [of(50, 200, 0), of(50, 200, 1), of(50, 200, 2), of(90, 250, 3), of(95, 250, 4), of(90, 250, 4)];
    const parts = [0, 1, 2, 3, 4].map((from) => {
      const process = new EvidenceProcess();
      for (const each of intervals.slice(intervals.findIndex(({ block }) => block === from))) process.add(nullShare(1.2, each), each.candidateBad, each.bad, each.block);
      return process.evidence.plain - Math.log((from + 1) * (from + 2));
    });
    assert.equal(parts.indexOf(Math.max(...parts)), 3);
    assert.deepEqual([worseSince(intervals, 1.2), aboveRateSince(intervals, 0.025), worseSince([], 1.2)], [3, 3, 0]);
    // Both limits have to be exceeded: the one with less evidence tells since when.
    assert.equal(worseSince([of(90, 250, 0), of(90, 250, 1), ...Array.from({ length: 4 }, (_, index) => ({ ...of(190, 400, 2 + index) }))], 1.2, 0.05), 2);
  });
});
