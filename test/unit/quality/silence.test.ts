import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { MISSING_ANSWERS, readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { silence, type Exposure, type Silence } from '../../../src/core/quality/silence.ts';
import { alarms } from '../../../src/core/quality/stats/countRule.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import { records, START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;
const HOURS = 5;
const NOW = START + HOURS * HOUR;

/** Five hours in which the flag chose the candidate 100 times of 400. */
const EXPOSURES: readonly Exposure[] = Array.from({ length: HOURS }, (_, hour) => ({ start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes: 100, no: 300 }));

function windows(arm: string, perHour: number, { size = HOUR / 4, hours = HOURS }: { readonly size?: number; readonly hours?: number } = {}): QualityWindow[] {
  const count = (hours * HOUR) / size;
  return Array.from({ length: count }, (_, index) => ({ arm, environment: '', service: '', start: START + index * size, end: START + (index + 1) * size, requests: (perHour * size) / HOUR, units: 0, metrics: {} }));
}

const isSilent = ({ evidence }: Silence): boolean => alarms(evidence.restarted, 0.025);
const found = (candidate: readonly QualityWindow[], current: readonly QualityWindow[], now = NOW): Silence => silence(EXPOSURES, candidate, current, { now });

describe('a candidate that falls silent', () => {
  it('has bad events for each answer that is missing', () => {
    const silent = found([], windows('current', 300));
    assert.ok(isSilent(silent));
    assert.deepEqual([silent.candidate, silent.current], [{ chosen: 500, missing: 500 }, { chosen: 1500, missing: 0 }]);
    assert.ok(isSilent(found(windows('candidate', 40), windows('current', 296))));
  });

  it('is none when both arms miss alike, or a few', () => {
    assert.ok(!isSilent(found(windows('candidate', 100), windows('current', 300))));
    assert.ok(!isSilent(found(windows('candidate', 96), windows('current', 300))), 'a few are lost on the way');
    assert.ok(!isSilent(found(windows('candidate', 48), windows('current', 152))), 'the flag is asked twice for each prediction');
    assert.ok(!isSilent(found(windows('candidate', 104), windows('current', 340))), 'the counters lag');
  });

  it('is not known when neither arm tells anything, or of what a source that lags has not told', () => {
    assert.deepEqual(found([], []).intervals, []);
    // The log ends within the second hour, and in its rest the share was another.
    const lagging = { hours: 1.5 };
    const late = found(windows('candidate', 100, lagging), windows('current', 300, lagging));
    assert.equal(late.intervals.length, 1);
    assert.ok(!isSilent(late));
  });

  it('is seen in the hour that runs', () => {
    const now = START + 1.5 * HOUR;
    const live = silence([{ start: START, end: START + HOUR, yes: 100, no: 300 }, { start: START + HOUR, end: START + 2 * HOUR, yes: 50, no: 150 }], windows('candidate', 100, { hours: 1 }), windows('current', 300, { hours: 1.5 }), { now });
    assert.equal(live.candidate.missing, 50);
    assert.ok(isSilent(live));
  });

  it('is none when windows are longer than the hours of the counters', () => {
    const size = 2.5 * HOUR;
    const long = found(windows('candidate', 100, { size }), windows('current', 300, { size }));
    assert.deepEqual([long.candidate.missing, long.current.missing], [0, 0]);
    assert.ok(isSilent(found([], windows('current', 300, { size }))));
  });

  it('is not compared where there is no control, but counted', () => {
    const all = silence(EXPOSURES.map((each) => ({ ...each, no: 0 })), windows('candidate', 1), [], { now: NOW });
    assert.ok(!isSilent(all));
    assert.ok(all.candidate.missing > 490);
  });

  describe('in the comparison', () => {
    const SECTION = { where: 'features.country != "US"', guardrails: [{ name: 'errors', bad: 'error' }] };
    const definition = (): QualityDefinition => readQuality(SECTION).quality ?? assert.fail();
    /** 30 minutes of records; the counters hold them all. */
    const compare = (logs: (record: { readonly assigned_arm: string; readonly features: { readonly country: string } }) => boolean, since: { readonly since?: number } = {}): ComparisonReport => {
      const all = records({ count: 18_000 });
      const exposures: Exposure[] = [{ start: START, end: START + HOUR, yes: all.filter(({ assigned_arm }) => assigned_arm === 'candidate').length, no: all.filter(({ assigned_arm }) => assigned_arm === 'current').length }];
      const collector = new Collector(definition(), { flags: ['fraud-v2'] });
      for (const record of all.filter(logs)) collector.add({ ...record }, () => '');
      const now = START + HOUR / 2;
      return compareArms(collector.data(now, []), definition(), 'production', { exposed: { exposures, now }, ...since });
    };
    const missing = ({ metrics }: ComparisonReport): MetricComparison => metrics.find(({ name }) => name === MISSING_ANSWERS) ?? assert.fail();

    it('is a guardrail that is worse, and all guardrails together alarm', () => {
      const report = compare(({ assigned_arm }) => assigned_arm === 'current');
      assert.equal(missing(report).verdict, 'worse', missing(report).because);
      assert.ok(report.joint.alarms);
      assert.equal(report.metrics[0]?.verdict, 'no control');
    });

    it('does not say that nobody was chosen when no hour of the counters began with the evidence', () => {
      assert.match(missing(compare(() => true, { since: START + 1 })).because, /^Unleash counts by the hour, and has told no hour since evidence began$/);
    });

    it('counts those whom `where` leaves out as answered', () => {
      const report = compare(() => true);
      assert.deepEqual([missing(report).verdict, missing(report).candidate.value, missing(report).current.value], ['undecided', 0, 0]);
      assert.equal(report.joint.alarms, false);
    });
  });
});
