import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms, type ComparisonReport } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { Units } from '../../../src/core/quality/units.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { START } from '../../support/qualityRecords.ts';

const HOUR = 3_600_000;
const DEFINITION = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }] }).quality ?? assert.fail();

/** 1,000 predictions an hour of 2,000 users: 2 hours at 5 %, then 18 at 25 %. One client, of whom the percentage says `at` (0.15: it gets the candidate at 25 %), has a part of the traffic, and a rate of its own with either version. */
function release({ at, part, clientRate, candidateRate = 0.02 }: { readonly at: number; readonly part: number; readonly clientRate: number; readonly candidateRate?: number }): { readonly data: QualityData; readonly report: ComparisonReport; readonly verdicts: ReadonlySet<string> } {
  const random = seeded(7);
  const collector = new Collector(DEFINITION, { flags: ['fraud'] });
  const places = Array.from({ length: 2000 }, () => random());
  const shareOf = (hour: number): number => (hour < 2 ? 0.05 : 0.25);
  const shareAt = (start: number, end: number): number | undefined => { const [first, last] = [shareOf(Math.floor((start - START) / HOUR)), shareOf(Math.floor((end - 1 - START) / HOUR))]; return first === last ? first : undefined; };
  const verdicts = new Set<string>();
  for (let hour = 0; ; hour += 1) {
    for (let index = 0; index < 1000; index += 1) {
      const [isClient, user] = [random() < part, Math.floor(random() * 2000)];
      const arm = (isClient ? at : places[user] ?? 0) < shareOf(hour) ? 'candidate' : 'current';
      const rate = isClient ? clientRate : arm === 'candidate' ? candidateRate : 0.02;
      collector.add({ ts: new Date(START + hour * HOUR + index * 3600).toISOString(), request_id: `${hour} ${index}`, unit_id: isClient ? 'client' : `u-${user}`, flag: 'fraud', assigned_arm: arm, environment: 'production', service: 's', error: random() < rate ? 'timeout' : null }, () => 'record');
    }
    const now = START + (hour + 1) * HOUR;
    const data = collector.data(now, []);
    const report = compareArms(data, DEFINITION, 'production', { shareAt, since: START, now });
    verdicts.add(report.metrics[0]?.verdict ?? '');
    if (hour === 19) return { data, report, verdicts };
  }
}

describe('units that get the candidate when the percentage rises', () => {
  it('are as heavy there as they are: a client that fails more with either version takes no healthy release back', () => {
    for (const at of [0.01, 0.15]) {
      const { report, verdicts } = release({ at, part: 0.05, clientRate: 0.3 });
      assert.ok(!verdicts.has('worse'), `${at}: ${[...verdicts].join()}`);
      assert.ok((report.metrics[0]?.dispersion ?? 0) > 100, String(report.metrics[0]?.dispersion));
    }
  });

  it('let no bad one go on: a large client without errors hides that others have more', () => {
    const { report, verdicts } = release({ at: 0.15, part: 0.25, clientRate: 0.001, candidateRate: 0.05 });
    assert.ok(!verdicts.has('not worse'), [...verdicts].join());
    assert.ok((report.metrics[0]?.dispersion ?? 0) > 100, String(report.metrics[0]?.dispersion));
  });

  it('are new in the arm only in which they were first, and counted in each', () => {
    const { data } = release({ at: 0.15, part: 0.05, clientRate: 0.3 });
    assert.ok(data.notes.unitsInBothArms > 200 && data.notes.unitsInBothArms < 300, String(data.notes.unitsInBothArms));
    assert.equal(data.arms.reduce((sum, { units }) => sum + units, 0), 2001);
    for (const { unitSums, requests } of data.arms) assert.equal(unitSums['errors']?.requests, requests);
  });

  it('are followed in both arms or in none where only a part is, and known after a restart', () => {
    const [units, count] = [new Units(1, 1000), 3000];
    const hashes = Array.from({ length: count }, (_, index) => hash53(`u-${index}`));
    for (const group of [0, 1]) for (const hash of hashes) units.add(units.see(hash, group), 0, 1);
    for (const known of [units, new Units(1, 1000, structuredClone(units.saved))]) {
      const numbers = hashes.map((hash) => [known.see(hash, 0), known.see(hash, 1)] as const);
      assert.ok(numbers.every(([own, other]) => (own < 0) === (other < 0) && (own < 0 || own !== other)));
      const [own, other] = known.sums(2).map(([sums]) => sums ?? assert.fail());
      assert.ok(own !== undefined && other !== undefined && own.units > 200 && own.units <= 500, String(own?.units));
      assert.equal(own.units, other.units);
      assert.ok(Math.abs(known.inBothArms - count) < count / 2, String(known.inBothArms));
    }
  });
});
