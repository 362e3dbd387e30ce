import assert from 'node:assert/strict';
import { FeatureCollector } from '../../../src/core/quality/featureCollector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { DistinctCount } from '../../../src/core/quality/distinct.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { joined } from '../../../src/core/quality/joinedSamples.ts';
import { againstWords, driftFindings } from '../../../src/core/quality/productionDrift.ts';
import type { DriftReference, QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { partOf } from '../../support/productionParts.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-11T12:30:00Z');

interface Given {
  readonly drift?: Readonly<Record<string, unknown>> | undefined;
  readonly from: number;
  readonly change?: ((at: number, amount: number, arm: string) => number) | undefined;
  readonly version?: (at: number, arm: string, index: number) => string | number;
  readonly units?: number;
  /** How many predictions an hour by day, and a tenth of it by night. */
  readonly byDay?: number;
  readonly edges?: Readonly<Record<string, readonly number[]>>;
  readonly until?: number;
  /** When it is read; NOW where it is not given. */
  readonly now?: number;
}

/** By day amounts are around 100, by night around 20. */
function collected({ drift, from, change = (_, amount) => amount, version = () => '13', units = Number.POSITIVE_INFINITY, byDay = 300, edges, until = NOW, now = NOW }: Given): QualityData {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, ...(drift === undefined ? {} : { drift }) });
  assert.deepEqual(problems, []);
  assert.ok(quality !== undefined);
  const collector = new Collector(quality, { flags: ['f'], edges });
  collector.now = now;
  const random = seeded(3);
  let count = 0;
  for (let hour = Math.floor(from / HOUR) * HOUR; hour < until; hour += HOUR) {
    const isDay = new Date(hour).getUTCHours() >= 8 && new Date(hour).getUTCHours() < 20;
    for (let index = 0; index < (isDay ? byDay : byDay / 10); index += 1) {
      const at = hour + (index * HOUR) / byDay;
      if (at >= until) break;
      const arm = index % 4 === 0 ? 'candidate' : 'current';
      const amount = (isDay ? 100 : 20) * (0.5 + random());
      collector.add({ ts: at, request_id: `r-${(count += 1)}`, unit_id: `u-${Number.isFinite(units) ? count % units : count}`, environment: 'production', flag: 'f', assigned_arm: arm, model_version: version(at, arm, index), role: 'serving', features: { amount: change(at, amount, arm), country: index % 3 === 0 ? 'DE' : 'FR' } }, () => 'log:1');
    }
  }
  return collector.data(now, []);
}

const drifted = (data: QualityData): string[] => driftFindings(data, 'production').filter(({ reference }) => reference !== 'current').flatMap(({ production, report }) => report.features.filter(({ alarm }) => alarm).map(({ feature }) => `${production} ${feature}`));

describe('drift against the same hours of an earlier week', () => {
  it('is not alarmed by the rhythm of days, and says which hours it looked at', () => {
    const data = collected({ drift: { reference: { weeks_ago: 1, hours: 6 } }, from: NOW - 9 * 24 * HOUR });
    const findings = driftFindings(data, 'production');
    assert.deepEqual(findings.map(({ production, reference }) => [production, reference]), [
      ['candidate', 'the same hours a week earlier (2026-03-04 07:00 to 2026-03-04 13:00 UTC)'], ['current', 'the same hours a week earlier (2026-03-04 07:00 to 2026-03-04 13:00 UTC)'], ['candidate', 'current'],
    ]);
    assert.deepEqual(drifted(data), []);
    const amount = findings[0]?.report.features.find(({ feature }) => feature === 'amount');
    // 30 of the hour of seven, and 300 of each of five others, a quarter and three quarters of which went to the arms; the running hour is half over.
    assert.deepEqual([Math.round(amount?.reference.rows ?? 0), amount?.production.rows], [Math.floor(0.75 * 1530), 346]);
  });

  it('is of the hours in which the arm answered, as it did: a candidate that is new, a percentage that was raised and an outage are no drift', () => {
    const hourOf = (at: number): number => new Date(at).getUTCHours();
    const alarms = (share: (at: number) => number, isUp: (at: number) => boolean = () => true): string[] => {
      const { quality } = readQuality({ source: { log: 'log.jsonl' }, drift: { reference: { weeks_ago: 1, hours: 24 } } });
      const collector = new Collector(quality ?? assert.fail(), { flags: ['f'] });
      collector.now = NOW;
      const random = seeded(5);
      for (let at = NOW - 8 * 24 * HOUR, index = 0; at < NOW; at += 10_000, index += 1) {
        if (!isUp(at)) continue;
        const arm = random() < share(at) ? 'candidate' : 'current';
        collector.add({ ts: at, request_id: `r-${index}`, unit_id: `u-${index}`, environment: 'production', flag: 'f', assigned_arm: arm, role: 'serving', features: { amount: (hourOf(at) >= 8 && hourOf(at) < 20 ? 100 : 20) * (0.5 + random()), hour: hourOf(at) } }, () => 'log:1');
      }
      return drifted(collector.data(NOW, []));
    };
    assert.deepEqual(alarms(() => 0.25), []);
    assert.deepEqual(alarms((at) => (at > NOW - 3 * HOUR ? 0.25 : 0)), []);
    assert.deepEqual(alarms((at) => (at > NOW - 4 * HOUR ? 0.5 : 0.02)), []);
    assert.deepEqual(alarms(() => 0.25, (at) => at < NOW - 12 * HOUR || at > NOW - 4 * HOUR), []);
  });

  it('measures the last hours, not all of the log', () => {
    const amounts = (drift: Given['drift']): readonly number[] => partOf(collected({ drift, from: NOW - 9 * 24 * HOUR }), 'current').features.find(({ name }) => name === 'amount')?.values ?? [];
    const night = (values: readonly number[]): number => values.filter((value) => value < 40).length / values.length;
    assert.ok(night(amounts({ reference: { weeks_ago: 1, hours: 6 } })) < 0.05);
    assert.ok(night(amounts({ window: '7d' })) > 0.06);
  });

  it('alarms when this week differs, also where days before were as the week before', () => {
    assert.deepEqual(drifted(collected({ drift: { reference: { weeks_ago: 1, hours: 6 } }, from: NOW - 9 * 24 * HOUR, change: (at, amount) => (at > NOW - 6 * HOUR ? amount * 1.6 : amount) })).sort(), ['candidate amount', 'current amount']);
  });

  it('weighs hours by their traffic, though no more values of a busy hour are kept', () => {
    const data = collected({ drift: { reference: { weeks_ago: 1, hours: 168 } }, from: NOW - 15 * 24 * HOUR });
    const current = partOf(data, 'current').features.find(({ name }) => name === 'amount');
    assert.ok(current !== undefined);
    // By night a tenth of the traffic of a day of the same length.
    const small = current.values.filter((value) => value < 40).length / current.values.length;
    assert.ok(Math.abs(small - 1 / 11) < 0.02, String(small));
    assert.ok(current.values.length <= 5100);
  });

  it('counts units, not rows', () => {
    const [many, few] = [collected({ drift: { reference: { weeks_ago: 1, hours: 24 } }, from: NOW - 9 * 24 * HOUR }), collected({ drift: { reference: { weeks_ago: 1, hours: 24 } }, from: NOW - 9 * 24 * HOUR, units: 50 })];
    assert.ok((many.references?.[0]?.units ?? 0) > 2000);
    // Fifty, some of whom come oftener.
    const units = few.references?.[0]?.units ?? 0;
    assert.ok(units > 40 && units < 50, String(units));
  });

  it('says so when the log does not go back so far, and measures nothing', () => {
    const data = collected({ drift: { reference: { weeks_ago: 2 } }, from: NOW - 9 * 24 * HOUR });
    assert.deepEqual([data.references, data.notes.messages], [[], ['Drift has no reference: the log has no record of production from 2026-02-24 13:00 to 2026-02-25 13:00 UTC.']]);
  });
});

/** What is read of the training data, with the deciles of its amounts. */
function training(): { readonly reference: DriftReference; readonly edges: Readonly<Record<string, readonly number[]>> } {
  const random = seeded(9);
  const amounts = Array.from({ length: 6000 }, (_, index) => (index % 11 === 0 ? 20 : 100) * (0.5 + random()));
  const sorted = [...amounts].sort((a, b) => a - b);
  const edges = { amount: Array.from({ length: 9 }, (_, decile) => sorted[600 * (decile + 1)] ?? 0) };
  const collector = new FeatureCollector({ features: ['amount'], edges });
  for (const amount of amounts) collector.add({ features: { amount } });
  return { reference: { name: 'data/train.csv', rows: amounts.length, units: amounts.length, samples: collector.samples }, edges };
}

describe('drift of the last hours', () => {
  const DAY = 24 * HOUR;
  const against = (given: Given): { readonly data: QualityData; readonly alarms: readonly string[] } => {
    const { reference, edges } = training();
    const data = { ...collected({ ...given, edges }), references: [reference] };
    return { data, alarms: drifted(data).sort() };
  };
  const between = (given: Given): readonly string[] => driftFindings(collected(given), 'production').flatMap(({ report }) => report.features.filter(({ alarm }) => alarm).map(({ feature }) => feature));

  it('is an alarm on the day on which a feature shifts, however long all was well before', () => {
    const shifted = against({ from: NOW - 31 * DAY, change: (at, amount) => (at > NOW - DAY ? amount * 1.6 : amount) });
    assert.deepEqual(shifted.alarms, ['candidate amount', 'current amount']);
    assert.deepEqual(driftFindings(shifted.data, 'production').map((found) => [found.production, againstWords(found)]), [
      ['candidate', 'data/train.csv, last 24 h'], ['current', 'data/train.csv, last 24 h'], ['candidate', 'current, last 24 h'],
    ]);
    assert.deepEqual(against({ from: NOW - 31 * DAY }).alarms, []);
  });

  it('is over when the shift is: one of a month ago is none', () => {
    const change: Given['change'] = (at, amount) => (at > NOW - 31 * DAY && at < NOW - 30 * DAY ? amount * 1.6 : amount);
    assert.deepEqual(against({ from: NOW - 31 * DAY, change }).alarms, []);
  });

  it('looks as far back as it is told to', () => {
    const change: Given['change'] = (at, amount, arm) => (arm === 'candidate' && at < NOW - 3 * HOUR ? amount * 3 : amount);
    assert.deepEqual(between({ drift: { window: '2h' }, from: NOW - DAY, change }), []);
    assert.deepEqual(between({ drift: { window: '7h' }, from: NOW - DAY, change }), ['amount']);
  });

  it('counts every value of the window in the bins of the reference, not a sample', () => {
    const { data } = against({ from: NOW - 2 * DAY, byDay: 4000 });
    const { features, requests } = partOf(data, 'current');
    const amount = features.find(({ name }) => name === 'amount');
    // Of the 25 hours of a day at half past, the first is left out: twelve of the day, one of which is half over, and twelve of the night.
    assert.equal(requests, 0.75 * (11.5 * 4000 + 12 * 400));
    assert.equal(amount?.binned?.counts.reduce((sum, count) => sum + count, 0), requests);
    assert.ok(amount.values.length > 4000 && amount.values.length < 5100, String(amount.values.length));
    const bins = amount.binned.edges.map((edge, bin) => amount.values.filter((value) => value <= edge && value > (amount.binned?.edges[bin - 1] ?? 0)).length / amount.values.length);
    for (const [bin, share] of bins.entries()) assert.ok(Math.abs(share - (amount.binned.counts[bin] ?? 0) / requests) < 0.03, `bin ${bin}: ${share}`);
  });

  it('compares the arms in the same hours: an earlier version of the candidate does not count', () => {
    const ofCandidate = (isShifted: (at: number) => boolean): Given['change'] => (at, amount, arm) => (arm === 'candidate' && isShifted(at) ? amount * 2 : amount);
    assert.deepEqual(between({ from: NOW - 10 * DAY, change: ofCandidate((at) => at < NOW - 2 * DAY) }), []);
    assert.deepEqual(between({ from: NOW - 10 * DAY, change: ofCandidate((at) => at > NOW - DAY) }), ['amount']);
  });

  it('leaves out what a version answered that another has replaced, from the minute on, and says so', () => {
    const since = NOW - 4 * HOUR - 17 * 60_000;
    const given: Given = { from: NOW - DAY, change: (at, amount, arm) => (arm === 'candidate' && at < since ? amount * 2 : amount) };
    const data = collected({ ...given, version: (at, arm) => (arm === 'candidate' && at >= since ? 14 : 13) });
    assert.deepEqual(driftFindings(data, 'production').flatMap(({ report }) => report.features.filter(({ alarm }) => alarm)), []);
    assert.ok(partOf(data, 'candidate').features.every(({ values }) => values.every((value) => value <= 150)), 'no value of the version before, not even of the hour of the change');
    assert.deepEqual(data.notes.messages, ['Drift leaves out what 13 answered as candidate of production: another version has replaced it.']);
    assert.deepEqual(between(given), ['amount'], 'where the records name no other version, all of it counts');
    // Two that answer side by side are one arm.
    const side = collected({ ...given, version: (_, arm, index) => (arm === 'candidate' && index % 8 === 0 ? 14 : 13) });
    assert.deepEqual([partOf(side, 'candidate').requests, side.notes.messages], [partOf(collected(given), 'candidate').requests, []]);
  });

  /** A day of records with a rhythm, of which a share is the candidate's, whose amounts are so many times as large. */
  function thinned(share: (at: number) => number, factor = 1): QualityData {
    const { quality } = readQuality({ source: { log: 'log.jsonl' } });
    const collector = new Collector(quality ?? assert.fail(), { flags: ['f'] });
    collector.now = NOW;
    const random = seeded(7);
    for (let at = NOW - DAY, index = 0; at < NOW; at += 4000, index += 1) {
      const isDay = new Date(at).getUTCHours() >= 8 && new Date(at).getUTCHours() < 20;
      const arm = random() < share(at) ? 'candidate' : 'current';
      collector.add({ ts: at, request_id: `r-${index}`, unit_id: `u-${index}`, environment: 'production', flag: 'f', assigned_arm: arm, role: 'serving', features: { amount: (isDay ? 100 : 20) * (0.5 + random()) * (arm === 'candidate' ? factor : 1), country: isDay ? 'DE' : 'FR' } }, () => 'log:1');
    }
    return collector.data(NOW, []);
  }

  it('weighs the hours of current as those of the candidate: a percentage that was raised by day makes of a rhythm no drift', () => {
    const data = thinned((at) => (at > NOW - 5 * HOUR ? 0.5 : 0.05));
    const [found = assert.fail()] = driftFindings(data, 'production');
    assert.deepEqual(found.report.features.map(({ feature, alarm }) => [feature, alarm]).sort(), [['amount', false], ['country', false]]);
    assert.ok((found.report.features.find(({ feature }) => feature === 'country')?.psi ?? 1) < 0.01);
    const both = data.production?.both?.[0] ?? assert.fail();
    assert.ok(both.current.units < 0.8 * partOf(data, 'current').units, `weights leave fewer units: ${both.current.units}`);
  });

  it('leaves hours out that current hardly served: weighed as those of the candidate, they would leave nothing to compare', () => {
    for (const hardly of [0.997, 0.97]) {
      const share = (at: number): number => (at > NOW - 5 * HOUR ? hardly : 0.2);
      const both = thinned(share).production?.both?.[0] ?? assert.fail();
      assert.ok(both.current.units > 8000 && both.candidate.requests > 2500 && both.candidate.requests < 4000, `${both.current.units} of ${both.candidate.requests}`);
      const alarms = (factor: number): string[] => driftFindings(thinned(share, factor), 'production').flatMap(({ report }) => report.features.filter(({ alarm }) => alarm).map(({ feature }) => feature));
      assert.deepEqual([alarms(1), alarms(1.5)], [[], ['amount']]);
    }
  });

  it('tells so many versions of an arm apart, and takes the others together', () => {
    const data = collected({ from: NOW - 3 * HOUR, version: (_, __, index) => `v${index % 50}` });
    assert.equal(partOf(data, 'current').requests, partOf(collected({ from: NOW - 3 * HOUR }), 'current').requests);
  });

  it('says so when nothing came for so long, and measures nothing', () => {
    const { data } = against({ from: NOW - 4 * DAY, until: NOW - 2 * DAY });
    assert.deepEqual(driftFindings(data, 'production'), []);
    assert.deepEqual([data.production?.parts, data.notes.messages], [[], ['Drift: the log has no record of production of the last 24 h; the newest is of 2026-03-09 12:29 UTC.']]);
    assert.equal(collected({ from: NOW - 4 * DAY, until: NOW - 2 * DAY, drift: { window: '3d' } }).notes.messages.length, 0);
  });

  it('holds the hours that it needs and no others, in whatever order records come', () => {
    const { quality } = readQuality({ source: { log: 'log.jsonl' }, drift: { window: '2h' } });
    const collector = new Collector(quality ?? assert.fail(), { flags: ['f'] });
    const told = (at: number): void => collector.add({ ts: at, request_id: `r-${at}`, unit_id: 'u', environment: 'production', flag: 'f', assigned_arm: 'current', features: { amount: 1 } }, () => 'log:1');
    const hours = (): unknown => collector.saved?.recent.arms.map((each) => each.hours.map(({ number, collected: { requests } }) => [NOW / HOUR - number, requests]));
    for (const [index, before] of [30, 3, 2, 1, 5, 2].entries()) told(NOW - before * HOUR - index);
    // Nobody said what is now: the newest record does.
    assert.deepEqual(hours(), [[[2.5, 2], [1.5, 1]]]);
    collector.now = NOW;
    told(NOW - 2 * HOUR);
    told(NOW - 1000);
    assert.deepEqual(hours(), [[[1.5, 1], [0.5, 1]]]);
  });

  it('is put together of hours that had a feature and hours that had not', () => {
    const parts = [{ name: 'a', rows: 4, missing: 1, values: [1, 2, 3], binned: { edges: [1], counts: [1, 2] }, categories: {}, otherCategories: 0 }, { name: 'a', rows: 2, missing: 2, values: [], categories: {}, otherCategories: 0 }, { name: 'a', rows: 2, missing: 0, values: [5], binned: { edges: [1], counts: [0, 1] }, categories: { x: 1 }, otherCategories: 0 }];
    assert.deepEqual(joined('a', parts, 100), { name: 'a', rows: 8, missing: 3, values: [1, 2, 3, 5], binned: { edges: [1], counts: [1, 3] }, categories: { x: 1 }, otherCategories: 0 });
  });
});

describe('counting different hashes', () => {
  const counted = (from: number, to: number): DistinctCount => {
    const count = new DistinctCount();
    for (let repeat = 0; repeat < 2; repeat += 1) for (let index = from; index < to; index += 1) count.add(hash53(`u-${index}`));
    return count;
  };

  it('is exact up to a thousand and within four standard errors beyond', () => {
    assert.equal(counted(0, 900).estimate, 900);
    for (const size of [5000, 100_000]) assert.ok(Math.abs(counted(0, size).estimate / size - 1) < 4 / Math.sqrt(1022), String(counted(0, size).estimate));
  });

  it('counts what two saw once', () => {
    const [a, b] = [counted(0, 600), counted(300, 900)];
    a.merge(b);
    assert.equal(a.estimate, 900);
  });

  it('knows how unequal they are, in whatever order they came, merged or saved', () => {
    const random = seeded(11);
    const rows = Array.from({ length: 400 }, (_, index) => new Array<number>(index < 20 ? 100 : 1 + (index % 3)).fill(hash53(`u-${index}`))).flat();
    const counts = rows.map((hash) => rows.filter((other) => other === hash).length);
    // (sum c)^2 / sum c^2 over units is (rows)^2 / the sum of c over rows.
    const kish = rows.length ** 2 / counts.reduce((sum, count) => sum + count, 0);
    const [all, one, other] = [new DistinctCount(), new DistinctCount(), new DistinctCount()];
    for (const hash of rows.map((value) => [value, random()] as const).sort((a, b) => a[1] - b[1]).map(([value]) => value)) {
      all.add(hash);
      (random() < 0.5 ? one : other).add(hash);
    }
    one.merge(new DistinctCount(other.saved));
    for (const count of [all, one, new DistinctCount(all.saved)]) assert.ok(Math.abs(count.effective - kish) < 1e-9 && count.estimate === 400, String(count.effective));
    assert.ok(kish < 40, String(kish));
    const weighted = new DistinctCount();
    weighted.merge(all, 3);
    assert.ok(Math.abs(weighted.effective - kish) < 1e-9);
  });

  it('counts those that are kept to the last, also the largest of them', () => {
    const count = new DistinctCount();
    // Half come once, half three times: (0.5 + 1.5)^2 / (0.5 + 4.5) of as many.
    for (let repeat = 0; repeat < 3; repeat += 1) for (let index = 0; index < 20_000; index += 1) if (repeat === 0 || index % 2 === 0) count.add(hash53(`u-${index}`));
    assert.ok(Math.abs(count.effective / (0.8 * count.estimate) - 1) < 0.05, String(count.effective / count.estimate));
    const largest = count.saved.at(-2) ?? 0;
    const before = count.saved.at(-1) ?? 0;
    count.add(largest);
    assert.deepEqual([count.saved.at(-2), count.saved.at(-1)], [largest, before + 1]);
  });
});

describe('drift of units that come unequally often', () => {
  /** Users are split at random; each has an age, and comes so often. */
  const alarms = (times: (normal: number) => number, older = 0): number => {
    const { quality } = readQuality({ source: { log: 'log.jsonl' } });
    const random = seeded(31);
    let found = 0;
    for (let run = 0; run < 10; run += 1) {
      const collector = new Collector(quality ?? assert.fail(), { flags: ['f'] });
      collector.now = NOW;
      for (let unit = 0, row = 0; unit < 800; unit += 1) {
        const arm = random() < 0.5 ? 'candidate' : 'current';
        const age = 20 + 60 * random() + (arm === 'candidate' ? older : 0);
        const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
        for (let left = times(normal); left > 0; left -= 1) collector.add({ ts: NOW - 10 * HOUR * random(), request_id: `r-${(row += 1)}`, unit_id: `u-${unit}`, environment: 'production', flag: 'f', assigned_arm: arm, role: 'serving', features: { age } }, () => 'log:1');
      }
      found += Number(driftFindings(collector.data(NOW, []), 'production').some(({ report }) => report.features.some(({ alarm }) => alarm)));
    }
    return found;
  };
  const often = (normal: number): number => Math.max(1, Math.round(2 * Math.exp(1.2 * normal)));

  it('is none where the same people are in both arms, some of whom come a hundred times', () => {
    // By the number of units alone most alarm.
    assert.ok(alarms(often) <= 2);
  });

  it('is seen where they are other people', () => {
    assert.equal(alarms(often, 40), 10);
  });
});
