import assert from 'node:assert/strict';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { DistinctCount } from '../../../src/core/quality/distinct.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { driftFindings } from '../../../src/core/quality/productionDrift.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-03-11T12:30:00Z');

/** By day an hour has 300 predictions of amounts around 100, by night 30 around 20. */
function collected(reference: unknown, from: number, change: (at: number, amount: number) => number = (_, amount) => amount, units = Number.POSITIVE_INFINITY): QualityData {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, drift: { reference } });
  assert.deepEqual(problems, []);
  assert.ok(quality !== undefined);
  const collector = new Collector(quality, { flags: ['f'] });
  collector.now = NOW;
  const random = seeded(3);
  let count = 0;
  for (let hour = Math.floor(from / HOUR) * HOUR; hour < NOW; hour += HOUR) {
    const isDay = new Date(hour).getUTCHours() >= 8 && new Date(hour).getUTCHours() < 20;
    for (let index = 0; index < (isDay ? 300 : 30); index += 1) {
      const at = hour + (index * HOUR) / 300;
      if (at >= NOW) break;
      const amount = (isDay ? 100 : 20) * (0.5 + random());
      collector.add({ ts: at, request_id: `r-${(count += 1)}`, unit_id: `u-${Number.isFinite(units) ? count % units : count}`, environment: 'production', flag: 'f', assigned_arm: index % 4 === 0 ? 'candidate' : 'current', role: 'serving', features: { amount: change(at, amount), country: index % 3 === 0 ? 'DE' : 'FR' } }, () => 'log:1');
    }
  }
  return collector.data(NOW, []);
}

const drifted = (data: QualityData): string[] => driftFindings(data, 'production').filter(({ reference }) => reference !== 'current').flatMap(({ production, report }) => report.features.filter(({ alarm }) => alarm).map(({ feature }) => `${production} ${feature}`));

describe('drift against the same hours of an earlier week', () => {
  it('is not alarmed by the rhythm of days, and says which hours it looked at', () => {
    const data = collected({ weeks_ago: 1, hours: 6 }, NOW - 9 * 24 * HOUR);
    const findings = driftFindings(data, 'production');
    assert.deepEqual(findings.map(({ production, reference }) => [production, reference]), [
      ['candidate', 'the same hours a week earlier (2026-03-04 07:00 to 2026-03-04 13:00 UTC)'], ['current', 'the same hours a week earlier (2026-03-04 07:00 to 2026-03-04 13:00 UTC)'], ['candidate', 'current'],
    ]);
    assert.deepEqual(drifted(data), []);
    const amount = findings[0]?.report.features.find(({ feature }) => feature === 'amount');
    // 30 of the hour of seven, and 300 of each of five others, a quarter and three quarters of which went to the arms; the running hour is half over.
    assert.deepEqual([amount?.reference.rows, amount?.production.rows], [Math.floor(0.75 * 1530), 346]);
  });

  it('would be alarmed by the whole log as a reference', () => {
    const data = collected({ weeks_ago: 1, hours: 6 }, NOW - 9 * 24 * HOUR);
    const night = data.references?.[0]?.production?.find(({ arm }) => arm === 'current')?.features.find(({ name }) => name === 'amount');
    const whole = data.arms.find(({ arm }) => arm === 'current')?.features.find(({ name }) => name === 'amount');
    assert.ok(night !== undefined && whole !== undefined);
    assert.ok(night.values.filter((value) => value < 40).length / night.values.length < 0.05);
    assert.ok(whole.values.filter((value) => value < 40).length / whole.values.length > 0.06);
  });

  it('alarms when this week differs, also where days before were as the week before', () => {
    assert.deepEqual(drifted(collected({ weeks_ago: 1, hours: 6 }, NOW - 9 * 24 * HOUR, (at, amount) => (at > NOW - 6 * HOUR ? amount * 1.6 : amount))).sort(), ['candidate amount', 'current amount']);
  });

  it('weighs hours by their traffic, though no more values of a busy hour are kept', () => {
    const data = collected({ weeks_ago: 1, hours: 168 }, NOW - 15 * 24 * HOUR);
    const current = data.references?.[0]?.production?.find(({ arm }) => arm === 'current')?.features.find(({ name }) => name === 'amount');
    assert.ok(current !== undefined);
    // By night a tenth of the traffic of a day of the same length.
    const small = current.values.filter((value) => value < 40).length / current.values.length;
    assert.ok(Math.abs(small - 1 / 11) < 0.02, String(small));
    assert.ok(current.values.length <= 5100);
  });

  it('counts units, not rows', () => {
    const [many, few] = [collected({ weeks_ago: 1, hours: 24 }, NOW - 9 * 24 * HOUR), collected({ weeks_ago: 1, hours: 24 }, NOW - 9 * 24 * HOUR, undefined, 50)];
    assert.ok((many.references?.[0]?.units ?? 0) > 2000);
    assert.equal(few.references?.[0]?.units, 50);
  });

  it('says so when the log does not go back so far, and measures nothing', () => {
    const data = collected({ weeks_ago: 2 }, NOW - 9 * 24 * HOUR);
    assert.deepEqual([data.references, data.notes.messages], [[], ['Drift has no reference: the log has no record of production from 2026-02-24 13:00 to 2026-02-25 13:00 UTC.']]);
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
});
