import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { MISSING_ANSWERS, readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { silence, type AnswerLog, type Exposure, type Silence, type SilenceOptions } from '../../../src/core/quality/silence.ts';
import { alarms } from '../../../src/core/quality/stats/countRule.ts';
import { NO_HISTOGRAM } from '../../../src/core/quality/histogram.ts';
import { NOTHING_TOLD, toldOf, type Told } from '../../../src/core/quality/told.ts';
import { NO_NOTES, type ArmSummary, type QualityWindow } from '../../../src/core/quality/window.ts';
import { records, START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;
const HOURS = 5;
const NOW = START + HOURS * HOUR;

/** Five hours in which the flag chose the candidate 100 times of 400. */
const EXPOSURES: readonly Exposure[] = Array.from({ length: HOURS }, (_, hour) => ({ start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes: 100, no: 300 }));
/** An hour, and half of the next one. */
const HALF: readonly Exposure[] = [{ start: START, end: START + HOUR, yes: 100, no: 300 }, { start: START + HOUR, end: START + 2 * HOUR, yes: 50, no: 150 }];

const arm = (name: string, lastSeen: number): ArmSummary => ({ arm: name, environment: '', requests: 1, units: 0, lastSeen, unitSums: {}, latency: NO_HISTOGRAM, score: NO_HISTOGRAM, labelledScore: NO_HISTOGRAM, scoreOfPositives: NO_HISTOGRAM, matured: 0, labelled: 0 });

function windows(arm: string, perHour: number, { size = HOUR / 4, hours = HOURS }: { readonly size?: number; readonly hours?: number } = {}): QualityWindow[] {
  const count = (hours * HOUR) / size;
  return Array.from({ length: count }, (_, index) => ({ arm, environment: '', service: '', start: START + index * size, end: START + (index + 1) * size, requests: (perHour * size) / HOUR, units: 0, metrics: {} }));
}

const isSilent = ({ evidence }: Silence): boolean => alarms(evidence.restarted, 0.025);
/** As a log tells it: up to the end of the newest window. */
const toldBy = (windows: readonly QualityWindow[]): Told => windows.map(({ end }) => ({ least: end, most: end })).at(-1) ?? NOTHING_TOLD;
const shareAt = (): number => 0.25;
function found(candidate: readonly QualityWindow[], current: readonly QualityWindow[], { told = [toldBy(candidate), toldBy(current)], ...more }: Partial<SilenceOptions & Pick<AnswerLog, 'told'>> = {}, exposures = EXPOSURES): Silence {
  return silence([{ exposures, candidate, current, told }], { now: NOW, shareAt, ...more });
}

describe('a candidate that falls silent', () => {
  it('is found in hundreds of thousands of windows, in whatever order they come', () => {
    const hours = 720;
    const exposures = Array.from({ length: hours }, (_, hour) => ({ start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes: 100, no: 300 }));
    const [own, other] = [windows('candidate', 100, { size: HOUR / 100, hours }), windows('current', 300, { size: HOUR / 100, hours })];
    const told = [toldBy(own), toldBy(other)] as const;
    const { candidate, current } = found(own.toReversed(), other, { told, now: START + hours * HOUR }, exposures);
    assert.deepEqual([candidate.chosen, Math.round(candidate.missing), current.chosen, Math.round(current.missing)], [72_000, 0, 216_000, 0]);
  });

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

  it('is none when both arms lose half for an hour, of which one had always lost a few more', () => {
    const hour = (index: number, own: number, other: number): readonly [QualityWindow, QualityWindow] => {
      const of = (arm: string, requests: number): QualityWindow => ({ arm, environment: '', service: '', start: START + index * HOUR, end: START + (index + 1) * HOUR, requests, units: 0, metrics: {} });
      return [of('candidate', own), of('current', other)];
    };
    const day = Array.from({ length: 24 }, (_, index) => (index < 23 ? hour(index, 3840, 11_760) : hour(index, 2000, 6000)));
    const exposures = day.map((_, index) => ({ start: START + index * HOUR, end: START + (index + 1) * HOUR, yes: 4000, no: 12_000 }));
    assert.ok(!isSilent(found(day.map(([own]) => own), day.map(([, other]) => other), { now: START + 24 * HOUR }, exposures)));
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
    const live = found(windows('candidate', 100, { hours: 1 }), windows('current', 300, { hours: 1.5 }), { now }, HALF);
    assert.equal(live.candidate.missing, 50);
    assert.ok(isSilent(live));
  });

  describe('is told from one that is late', () => {
    const MINUTE = 60_000;
    const now = START + 1.5 * HOUR;
    const at = (minutes: number): Told => ({ least: now - minutes * MINUTE, most: now - minutes * MINUTE });
    /** Of the candidate nothing came for so many minutes, of the current version for one. */
    const quiet = (minutes: number, more: Parameters<typeof found>[2] = {}): Silence =>
      found(windows('candidate', 1000, { size: MINUTE, hours: 1.5 }).filter(({ start }) => start < now - minutes * MINUTE), windows('current', 3000, { size: MINUTE, hours: 1.5 }), { now, told: [at(minutes), at(1)], ...more }, HALF.map((each) => ({ ...each, yes: 10 * each.yes, no: 10 * each.no })));

    it('by itself: what has not come for ten minutes may still come, in the hours that it belongs to', () => {
      for (const minutes of [2, 4, 10]) assert.ok(!isSilent(quiet(minutes)), `${minutes} minutes`);
      assert.equal(quiet(10).intervals.length, 1, 'the hour that runs is left out');
      assert.ok(isSilent(quiet(12)));
      assert.equal(quiet(9, { lateMs: 6 * MINUTE }).intervals.length, 2, 'as long as blind_after has it');
      assert.equal(quiet(12, { began: now - 8 * MINUTE }).intervals.length, 1, 'nobody was sent to it before');
    });

    it('where the share was not constant: an hour counts when both arms have been told beyond its end', () => {
      const changed = (start: number, end: number): number | undefined => (start < START + HOUR && end > START + HOUR / 2 ? undefined : 0.25);
      const counted = (minutes: number): number => found(windows('candidate', 100), windows('current', 300), { now: START + HOUR + (minutes + 1) * MINUTE, told: [0, 1].map(() => ({ least: START + HOUR + minutes * MINUTE, most: START + HOUR + minutes * MINUTE })) as unknown as [Told, Told], shareAt: changed }, HALF.slice(0, 1)).intervals.length;
      assert.deepEqual([-1, 0, 9, 10].map(counted), [0, 0, 0, 1]);
    });

    it('where the share was not constant: what both arms lose after it was raised is no more of the candidate', () => {
      const changed = (start: number, end: number): number | undefined => (end <= START + HOUR / 2 ? 0.05 : start >= START + HOUR / 2 ? 0.25 : undefined);
      // 2,000 answers before and after: 100 and 500 of the candidate, of which the second half of the hour loses so much.
      const lost = (own: number, other: number): Silence => {
        const of = (arm: string, [first, second]: readonly [number, number]): QualityWindow[] => [0, 1].map((half) => ({ arm, environment: '', service: '', start: START + (half * HOUR) / 2, end: START + ((half + 1) * HOUR) / 2, requests: half === 0 ? first : second, units: 0, metrics: {} }));
        const now = START + 2 * HOUR;
        return found(of('candidate', [100, 500 * (1 - own)]), of('current', [1900, 1500 * (1 - other)]), { now, shareAt: changed, told: [0, 1].map(() => ({ least: now, most: now })) as [Told, Told] }, [{ start: START, end: START + HOUR, yes: 600, no: 3400 }]);
      };
      const alike = lost(0.5, 0.5);
      assert.deepEqual([alike.candidate, alike.current], [{ chosen: 600, missing: 250 }, { chosen: 3400, missing: 750 }]);
      assert.ok(!isSilent(alike));
      assert.ok(isSilent(lost(0.5, 0.02)));
    });

    it('where it was raised in the last minute, as far as that is known when the hour is over', () => {
      const raised = START + HOUR - 48_000;
      // What a change gives is known a minute after it.
      const changed = (start: number, end: number): number | undefined => (end <= raised ? 0.05 : start >= raised + MINUTE ? 0.95 : undefined);
      const now = START + 3 * HOUR;
      const of = (arm: string, requests: number): QualityWindow[] => [{ arm, environment: '', service: '', start: START, end: START + HOUR, requests, units: 0, metrics: {} }];
      // Of 12,000 answers both arms lose those of the 48 s: 152 and 8.
      const alike = found(of('candidate', 592), of('current', 11_248), { now, shareAt: changed, told: [0, 1].map(() => ({ least: now, most: now })) as [Told, Told] }, [{ start: START, end: START + HOUR, yes: 744, no: 11_256 }]);
      assert.deepEqual([alike.candidate.missing, alike.current.missing], [152, 8]);
      assert.ok(!isSilent(alike));
    });

    it('where it is not known up to when windows have been told: the newest one may go on', () => {
      const hours = (arm: string, count: number): QualityWindow[] => windows(arm, 1, { size: HOUR, hours: count });
      const all = { windows: [...hours('candidate', 1), ...hours('current', 2)], arms: [arm('candidate', now), arm('current', now)] };
      assert.deepEqual([toldOf({ ...all, designEffect: 1 }, '', 'candidate'), toldOf({ ...all, designEffect: 1 }, '', 'current')], [{ least: START, most: START + HOUR }, { least: START + HOUR, most: now }]);
      assert.deepEqual(toldOf(all, '', 'candidate', true), { least: START, most: START + HOUR }, 'of one service of several the log knows no more either');
      assert.deepEqual(toldOf(all, '', 'candidate'), { least: now, most: now });
      assert.deepEqual([toldOf(all, 'other', 'candidate'), toldOf({ ...all, windows: [], designEffect: 1 }, '', 'current')], [NOTHING_TOLD, NOTHING_TOLD]);
    });
  });

  it('is none of which one instance of four comes five minutes late, also at the beginning of an hour', () => {
    const MINUTE = 60_000;
    const at = (minute: number, left: number, late: number): Silence => {
      const now = START + minute * MINUTE;
      const candidate = windows('candidate', 3600, { size: MINUTE, hours: minute / 60 }).map((each) => ({ ...each, requests: each.end > now - late * MINUTE ? 60 * left : 60 }));
      const exposures = [{ start: START, end: START + HOUR, yes: 60 * minute, no: 180 * minute }];
      return found(candidate, windows('current', 10_800, { size: MINUTE, hours: minute / 60 }), { now, told: [0, 1].map(() => ({ least: now, most: now })) as [Told, Told] }, exposures);
    };
    for (const minute of [3, 5, 8, 20, 50, 60]) assert.ok(!isSilent(at(minute, 0.75, 5)), `minute ${minute}`);
    assert.ok(!isSilent(at(50, 0.5, 10)), 'nor is half of it that comes ten minutes late');
    assert.ok(isSilent(at(55, 0.5, 55)), 'but half of it that does not come');
  });

  describe('is none because the clock of the log is wrong', () => {
    const MINUTE = 60_000;
    const PER_MINUTE = 200;
    /** After five hours and so many minutes the share changes; looked at each minute from then on for two hours. `ahead`: minutes by which the clock of the log is; `told`: which part of the candidate's records comes at a minute. */
    const isTakenBack = ([from, to]: readonly [number, number], at: number, ahead: number, told: (minute: number) => number = () => 1): boolean => {
      const changed = START + (5 * 60 + at) * MINUTE + MINUTE / 2;
      const change = (start: number, end: number): number | undefined => (end <= changed ? from : start - MINUTE >= changed ? to : undefined);
      const hours: Exposure[] = [];
      const minutes: [QualityWindow[], QualityWindow[]] = [[], []];
      for (let minute = 0; minute < 8 * 60; minute += 1) {
        const share = START + minute * MINUTE < changed ? from : to;
        const hour = START + Math.floor(minute / 60) * HOUR;
        const { yes, no } = hours[Math.floor(minute / 60)] ?? { yes: 0, no: 0 };
        hours[Math.floor(minute / 60)] = { start: hour, end: hour + HOUR, yes: yes + PER_MINUTE * share, no: no + PER_MINUTE * (1 - share) };
        const start = START + (minute + ahead) * MINUTE;
        for (const [index, requests] of [PER_MINUTE * share * told(minute), PER_MINUTE * (1 - share)].entries()) minutes[index]?.push({ arm: ['candidate', 'current'][index] ?? '', environment: '', service: '', start, end: start + MINUTE, requests, units: 0, metrics: {} });
        const now = START + (minute + 1) * MINUTE;
        const newest = (windows: readonly QualityWindow[]): Told => toldBy(windows.filter(({ requests }) => requests > 0));
        if (minute >= 5 * 60 + at && isSilent(silence([{ exposures: hours, candidate: minutes[0], current: minutes[1], told: [newest(minutes[0]), newest(minutes[1])] }], { now, shareAt: change }))) return true;
      }
      return false;
    };

    it('where it is behind, and answers from after the share fell are logged in the hour before', () => {
      for (const share of [[0.95, 0.05], [0.5, 0.05], [0.25, 0.05]] as const) for (const at of [0, 15, 30, 50]) for (const behind of [0, 3, 8, 20]) assert.ok(!isTakenBack(share, at, -behind), `${share.join(' -> ')} at :${at}, ${behind} min behind`);
    });

    it('where it is ahead, and answers from before the share rose are logged in the hour after', () => {
      for (const share of [[0.05, 0.25], [0.05, 0.5], [0.05, 0.95]] as const) for (const at of [0, 15, 30, 50, 55]) for (const ahead of [0, 2, 3, 5, 8, 20]) assert.ok(!isTakenBack(share, at, ahead), `${share.join(' -> ')} at :${at}, ${ahead} min ahead`);
    });

    it('but is one where so much is missing, whatever the clock says', () => {
      const fromThen = (part: number) => (minute: number): number => (minute < 5 * 60 + 15 ? 1 : part);
      for (const ahead of [-8, 0, 8]) for (const share of [[0.5, 0.05], [0.05, 0.5]] as const) for (const part of [0, 0.5]) assert.ok(isTakenBack(share, 15, ahead, fromThen(part)), `${share.join(' -> ')}, ${ahead} min ahead, ${part} told`);
    });
  });

  it('is none when windows are longer than the hours of the counters', () => {
    const size = 2.5 * HOUR;
    const long = found(windows('candidate', 100, { size }), windows('current', 300, { size }));
    assert.deepEqual([long.candidate.missing, long.current.missing], [0, 0]);
    assert.ok(isSilent(found([], windows('current', 300, { size }))));
  });

  it('is not compared where there is no control, but counted', () => {
    const all = found(windows('candidate', 1), [], {}, EXPOSURES.map((each) => ({ ...each, no: 0 })));
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
      return compareArms(collector.data(now, []), definition(), 'production', { shareAt, exposed: { counted: [{ exposures }], now, lateMs: HOUR / 12 }, ...since });
    };
    const missing = ({ metrics }: ComparisonReport): MetricComparison => metrics.find(({ name }) => name === MISSING_ANSWERS) ?? assert.fail();

    it('is a guardrail that is worse, and all guardrails together alarm', () => {
      const report = compare(({ assigned_arm }) => assigned_arm === 'current');
      assert.equal(missing(report).verdict, 'worse', missing(report).because);
      assert.ok(report.joint.alarms);
      assert.deepEqual([report.metrics[0]?.verdict, report.metrics[0]?.because], ['void', 'the sample ratio is not as configured']);
    });

    it('tells whole answers where a source tells fractions of them', () => {
      const told = { windows: [...windows('candidate', 38.87), ...windows('current', 300)], notes: NO_NOTES, arms: [arm('candidate', NOW), arm('current', NOW)] };
      const report = compareArms(told, definition(), '', { shareAt, exposed: { counted: [{ exposures: EXPOSURES }], now: NOW } });
      assert.match(missing(report).because, /: 306 of 500 answers of the candidate are missing, 0 of 1500 of the current version$/);
    });

    it('does not say that nobody was chosen when no hour of the counters began with the evidence', () => {
      assert.match(missing(compare(() => true, { since: START + 1 })).because, /^Unleash counts by the hour, and has told no hour since evidence began$/);
    });

    it('has no hour in which evidence began where windows are longer, for they do not count', () => {
      const DAY = 24 * HOUR;
      const daily = readQuality({ ...SECTION, window: '1d' }).quality ?? assert.fail();
      const collector = new Collector(daily, { flags: ['fraud-v2'] });
      for (const record of records({ count: 4000 })) collector.add({ ...record }, () => '');
      const midnight = Math.floor(START / DAY) * DAY;
      const [night, morning] = [{ start: midnight, end: midnight + HOUR, yes: 0, no: 0 }, { start: START, end: START + HOUR, yes: 1000, no: 3000 }];
      const now = START + 400_000;
      const of = (since: number, exposures: readonly Exposure[] = [night, morning]): readonly number[] => {
        const { candidate, current } = missing(compareArms(collector.data(now, []), daily, 'production', { shareAt, since, exposed: { counted: [{ exposures }], now } }));
        return [candidate.n, current.n];
      };
      assert.deepEqual(of(midnight), [1000, 3000]);
      assert.deepEqual(of(START), [0, 0]);
      assert.deepEqual(of(midnight, [morning]), [0, 0], 'nor where the counters reach back to the middle of a window only');
    });

    it('counts those whom `where` leaves out as answered', () => {
      const report = compare(() => true);
      assert.deepEqual([missing(report).verdict, missing(report).candidate.value, missing(report).current.value], ['undecided', 0, 0]);
      assert.equal(report.joint.alarms, false);
    });
  });
});
