import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LogSource } from '../../../src/adapters/predictionLog/logSource.ts';
import { limitFinding } from '../../../src/core/quality/absolute.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { lines, START } from '../../support/qualityRecords.ts';

const COUNT = 24_300;
/** Two thirds of the records are from before it; a window begins then. */
const SINCE = START + 16_200_000;
const NOW = START + 200_000_000;
const SECTION = { window: '5min', guardrails: [{ name: 'errors', bad: 'error', max_ratio: 1.2, limit: 0.5 }] };

type Made = Record<string, unknown>;

function defined(section: Record<string, unknown> = SECTION): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, ...section });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail();
}

/** A record a second, of 300 users some of whom have nothing but bad luck; before the release all are of current, and with `isAlone` nobody says whose they are. */
function made(isAlone = false): Made[] {
  const random = seeded(5);
  return Array.from({ length: COUNT }, (_, index) => {
    const user = Math.floor(random() * 300);
    const at = START + 1000 * index;
    const isBefore = at < SINCE;
    return {
      ts: at, request_id: `r-${index}`, ...(isAlone && isBefore ? {} : { unit_id: `u-${user}` }), environment: 'production', service: 'credit', flag: 'f', assigned_arm: !isBefore && user % 4 === 0 ? 'candidate' : 'current',
      score: 0.5, error: random() < (user % 25 === 0 ? 0.5 : 0.01) ? 'x' : null,
    };
  });
}

function collector(definition: QualityDefinition, since?: number): Collector {
  const found = new Collector(definition, { flags: ['f'] });
  found.now = NOW;
  found.since = since;
  return found;
}

function added(to: Collector, all: readonly Made[]): Collector {
  for (const record of all) to.add(record, () => 'record');
  return to;
}

const isOf = ({ ts }: Made): boolean => Number(ts) >= SINCE;
const phiOf = (data: QualityData, since: number | undefined = SINCE, definition = defined()): number => compareArms(data, definition, 'production', { since }).metrics[0]?.dispersion ?? assert.fail();

describe('how dependent the requests of a unit are', () => {
  const all = made();
  const exact = phiOf(added(collector(defined()), all.filter(isOf)).data(NOW, []));
  const ofAll = phiOf(added(collector(defined()), all).data(NOW, []));

  it('is of what came since evidence began, where that is known when the log is read', () => {
    assert.ok(exact > 3 && ofAll > 2 * exact, `${exact}, ${ofAll}`);
    const data = added(collector(defined(), SINCE), all).data(NOW, []);
    assert.equal(phiOf(data), exact);
    assert.equal(limitFinding(defined().metrics[0] ?? assert.fail(), data.windows.filter(({ start }) => start >= SINCE), { data, environment: 'production', among: 1 })?.state, 'within');
    assert.equal(compareArms(data, defined(), 'production', { since: SINCE }).metrics[0]?.candidate.units, 75);
  });

  it('is the same where that is known late, and nothing is from before', () => {
    const own = all.filter(isOf);
    const late = added(collector(defined()), own.slice(0, 4000));
    late.data(NOW, []);
    late.since = SINCE;
    const data = added(late, own.slice(4000)).data(NOW, []);
    assert.deepEqual([phiOf(data), compareArms(data, defined(), 'production', { since: SINCE }).metrics[0]?.candidate.units], [exact, 75]);
  });

  it('is not thinned by requests from before whose units nobody knows', () => {
    const alone = made(true);
    const thinned = phiOf(added(collector(defined()), alone).data(NOW, []));
    assert.ok(thinned < exact, `${thinned}, ${exact}`);
    assert.equal(phiOf(added(collector(defined(), SINCE), alone).data(NOW, [])), exact);
  });

  it('is never taken for less than it is, where evidence is known late, or was known to begin later than what is asked for', () => {
    const told = (late: number): QualityData => {
      const found = added(collector(defined()), all.slice(0, 16_200 + late));
      found.since = SINCE;
      return added(found, all.slice(16_200 + late)).data(NOW, []);
    };
    const found = [1, 300, 2000, 8099].map((late) => phiOf(told(late)));
    assert.ok(found.every((phi) => phi >= exact), JSON.stringify([exact, ...found]));
    assert.ok((found[1] ?? 0) < 0.8 * ofAll, JSON.stringify([found, ofAll]));
    const early = phiOf(added(collector(defined(), SINCE), all).data(NOW, []), START);
    assert.ok(early >= ofAll, `${early}, ${ofAll}`);
    // Where nothing is known of what counts, nothing is left to decide by.
    assert.equal(phiOf(added(collector(defined(), SINCE + 9_300_000), all).data(NOW, [])), Number.POSITIVE_INFINITY);
  });

  it('is counted anew when evidence begins again, and not when another reader knows of an earlier beginning', () => {
    const later = SINCE + 4_200_000;
    const found = added(collector(defined(), SINCE), all.slice(0, 20_400));
    found.since = later;
    found.since = SINCE;
    const data = added(found, all.slice(20_400)).data(NOW, []);
    const own = phiOf(added(collector(defined()), all.slice(20_400)).data(NOW, []));
    assert.ok(own < exact);
    assert.equal(phiOf(data, later), own);
    assert.ok(phiOf(data, SINCE) >= exact);
  });

  it('is the same after what was counted was kept', () => {
    const before = added(collector(defined()), all.slice(0, 16_300));
    before.since = SINCE;
    const whole = added(before, all.slice(16_300, 18_000));
    const kept = new Collector(defined(), { flags: ['f'] }, structuredClone(whole.saved ?? assert.fail()));
    kept.now = NOW;
    kept.since = SINCE;
    assert.deepEqual(added(kept, all.slice(18_000)).data(NOW, []).arms, added(whole, all.slice(18_000)).data(NOW, []).arms);
  });

  it('is of what counts now where outcomes are corrected, those of predictions from before too', () => {
    const definition = defined({ window: '5min', labels: { field: 'defaulted', mature_after: '1h' }, guardrails: [{ name: 'defaults', bad: 'defaulted == 1' }] });
    const outcome = ({ request_id: id, ts, error }: Made, other: number): Made => ({ request_id: id, ts: Number(ts) + 1000 * other, defaulted: Number((error !== null) === (other === 0)) });
    const read = (since: number | undefined, isLate: boolean): QualityData => {
      const found = added(collector(definition, isLate ? undefined : since), all.slice(0, 16_200).flatMap((record) => [record, outcome(record, 0)]));
      found.data(NOW, []);
      if (isLate) found.since = since;
      return added(found, [...all.slice(16_200).flatMap((record) => [record, outcome(record, 0)]), ...all.filter((_, index) => index % 7 === 0).map((record) => outcome(record, 1))]).data(NOW, []);
    };
    const alone = added(collector(definition), all.slice(16_200).flatMap((record, index) => [record, outcome(record, 0), ...((16_200 + index) % 7 === 0 ? [outcome(record, 1)] : [])])).data(NOW, []);
    const sums = (data: QualityData): unknown => data.arms.map(({ arm, unitSums, labelSums }) => ({ arm, unitSums, labelSums })).toSorted((a, b) => (a.arm < b.arm ? -1 : 1));
    assert.deepEqual(sums(read(SINCE, false)), sums(alone));
    assert.deepEqual(sums(read(SINCE, true)), sums(alone));
  });

  it('is asked of a log by who reads it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-since-'));
    try {
      writeFileSync(join(folder, 'log.jsonl'), lines(all));
      const source = new LogSource({ folder, flags: ['f'], definition: defined() });
      const data = await source.read({ now: NOW, since: SINCE, signal: new AbortController().signal });
      source.dispose();
      assert.equal(phiOf(data), exact);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
