/** Drift from a file and records to alarms; and how often chance alone alarms, by simulations of a fixed seed. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readReference } from '../../../src/adapters/quality/reference.ts';
import { CategoryCounts, OTHER_GROUPS } from '../../../src/core/quality/categoryCounts.ts';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { featureDrift, type FeatureDrift } from '../../../src/core/quality/drift.ts';
import { joined } from '../../../src/core/quality/joinedSamples.ts';
import { driftFindings, unmeasured, type DriftFinding } from '../../../src/core/quality/productionDrift.ts';
import type { FeatureSample, QualityData } from '../../../src/core/quality/window.ts';
import { categorySample, CHANCE, chanceAlarms, drawCategories, numberSample, summed, uniform, zeros, zipf } from '../../support/driftSimulation.ts';
import { seeded } from '../../support/guardSimulation.ts';

const NOW = Date.parse('2026-03-11T12:30:00Z');

type Made = (random: () => number, row: number) => Readonly<Record<string, unknown>>;

/** Four standard errors above the level, so that a seed decides nothing. */
function most(runs: number, level = 0.05): number {
  return level * runs + 4 * Math.sqrt(runs * level * (1 - level));
}

/** Categories in the order in which they come. */
function counted(names: readonly string[]): FeatureSample {
  const counts = new CategoryCounts(undefined);
  for (const name of names) counts.add(name);
  return categorySample(counts, names.length);
}

describe('drift of a log against a file', () => {
  let folder: string;
  before(() => { folder = mkdtempSync(join(tmpdir(), 'modelswitch-drift-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  interface Given {
    readonly reference: Made;
    readonly production: Made;
    readonly features?: readonly string[];
    readonly rows?: readonly [reference: number, production: number];
    /** Beside features. */
    readonly record?: Made;
    readonly arms?: readonly string[];
  }

  async function measured({ reference, production, features, rows: [n, m] = [2000, 2000], record = () => ({}), arms = ['current'] }: Given): Promise<{ readonly data: QualityData; readonly findings: readonly DriftFinding[]; readonly messages: readonly string[] }> {
    const random = seeded(7);
    writeFileSync(join(folder, 'train.jsonl'), Array.from({ length: n }, (_, row) => `${JSON.stringify(reference(random, row))}\n`).join(''));
    const { samples, units, edges, categories, messages, rows } = await readReference({ folder, path: 'train.jsonl', features, columns: {} }, AbortSignal.timeout(60_000));
    const { quality } = readQuality({ source: { log: 'log.jsonl' }, drift: {} });
    const options = { flags: ['f'], features, edges, categories };
    let collector = new Collector(quality ?? assert.fail(), options);
    collector.now = NOW;
    for (let row = 0; row < m; row += 1) {
      // Over two hours, and half way as a start goes on from what was kept.
      if (row === m / 2) collector = new Collector(quality ?? assert.fail(), options, structuredClone(collector.saved));
      collector.add({ ts: NOW - 5_000_000 + (5_000_000 * row) / m, request_id: `r-${row}`, unit_id: `u-${row}`, environment: 'production', flag: 'f', assigned_arm: arms[row % arms.length], features: production(random, row), ...record(random, row) }, () => '');
    }
    const data: QualityData = { ...collector.data(NOW, []), references: [{ name: 'train.jsonl', rows, units, samples }] };
    return { data, findings: driftFindings(data, 'production'), messages: [...messages, ...data.notes.messages] };
  }

  async function driftOf(given: Given): Promise<Readonly<Record<string, FeatureDrift>>> {
    const { findings } = await measured(given);
    return Object.fromEntries((findings[0] ?? assert.fail()).report.features.map((each) => [each.feature, each]));
  }

  it('sees what most rows have become less, or more, or something else', async () => {
    const constant = (): object => ({ always: 3, ones: 1, same: 3 });
    const { ones, always, same } = await driftOf({
      reference: (random) => ({ ...constant(), ones: Number(random() < 0.95) }), production: (random) => ({ ...constant(), ones: Number(random() < 0.05), always: 100 * random() }),
    });
    assert.ok(ones?.alarm === true && always?.alarm === true && same?.alarm === false);
    // Two shares that change places: 2 (a - b) ln(a / b).
    const [a, b] = [ones.bins.reference, ones.bins.production].map((counts) => (counts.at(-1) ?? 0) / 2000) as [number, number];
    assert.deepEqual([ones.bins.labels, a > 0.93, b < 0.07], [['< 1', '>= 1'], true, true]);
    assert.ok(Math.abs(ones.psi - (a - b) * (Math.log(a / b) + Math.log((1 - b) / (1 - a)))) < 1e-9, String(ones.psi));
    assert.deepEqual([always.bins.labels.length, always.unseenShare > 0.99, same.psi, same.bins.labels], [3, true, 0, ['all']]);
  });

  it('tells what is missing, and texts in the place of numbers, which are missing, too', async () => {
    const number: Made = (random) => ({ gone: random(), texts: random(), few: random() });
    const { gone, texts, few } = await driftOf({ reference: number, production: (random, row) => ({ ...number(random, row), ...(row % 10 > 0 ? { gone: null } : {}), ...(row % 2 === 0 ? { texts: 'unknown' } : {}), ...(row % 200 === 0 ? { few: null } : {}) }) });
    assert.deepEqual([gone?.alarm, gone?.production.missing, texts?.alarm, texts?.production.missing, few?.alarm, few?.production.missing], [true, 0.9, true, 0.5, false, 0.005]);
    assert.match(gone?.because ?? '', /^missing 0 % -> 90 % \(PSI 10\.266 is above 0\.100\)$/);
    assert.deepEqual(texts?.unseen, ['unknown']);
    assert.ok(Math.abs(texts.unseenShare - 0.5) < 0.01, String(texts.unseenShare));
    // (b - a) ln(b / a) of both shares, the one of none floored at 1e-4.
    assert.ok(Math.abs(texts.missingPsi - (0.5 - 1e-4) * Math.log(0.5 / 1e-4) - (0.5 - 1) * Math.log(0.5)) < 1e-9, String(texts.missingPsi));
    const none = await driftOf({ reference: number, production: () => ({ gone: null, texts: 'x', few: 1 }) });
    assert.deepEqual([none['gone']?.because, none['texts']?.because].map((words) => words?.replace(/ \(.*?\)/, '')), ['production has no value; missing 0 % -> 100 %', 'production has no number; missing 0 % -> 100 %; the reference has numbers, production texts']);
    assert.ok(none['gone']?.alarm === true && none['texts']?.alarm === true);
  });

  it('tells texts apart by all that they say, however much of it they have in common', async () => {
    const prompt = `You are a helpful assistant. ${'Answer in one sentence. '.repeat(40)}`;
    const found = await driftOf({
      reference: (_, row) => ({ same: `${prompt}${row % 5}`, changed: `${prompt}${row % 5}`, within: `${row % 5}${prompt}` }),
      production: (_, row) => ({ same: `${prompt}${row % 5}`, changed: `${prompt}${5 + (row % 5)}`, within: `${row % 5}${prompt.replace('sentence', 'word')}` }),
    });
    assert.deepEqual(['same', 'changed', 'within'].map((name) => [found[name]?.alarm, found[name]?.unseenShare, found[name]?.bins.labels.length]), [[false, 0, 5], [true, 1, 10], [true, 1, 10]]);
    assert.match(found['changed']?.unseen[0] ?? '', /^You are a helpful assist…r in one sentence\. \d [a-z\d]+$/);
  });

  it('takes numbers and truths for what they are where the reference has texts, and says where it cannot', async () => {
    const found = await driftOf({
      reference: (_, row) => ({ code: String(row % 3), zip: `0${row % 4}139`, vip: row % 2 === 0 ? 'True' : 'False', level: row % 2 === 0 ? 'low' : 'high', flag: row % 2 }),
      production: (_, row) => ({ code: row % 3, zip: Number(`0${row % 4}139`), vip: row % 2 === 0, level: row % 2, flag: row % 2 === 1 }),
    });
    assert.deepEqual(['code', 'zip', 'vip', 'flag'].map((name) => [found[name]?.alarm, found[name]?.unseenShare, (found[name]?.psi ?? 1) < 1e-5]), new Array(4).fill([false, 0, true]));
    // Most are texts, so numbers among them are texts, too.
    const mixed: Made = (_, row) => ({ mixed: row % 3 === 0 ? row % 5 : `t${row % 2}` });
    const { mixed: both } = await driftOf({ reference: mixed, production: (random, row) => { const { mixed: value } = mixed(random, row); return { mixed: typeof value === 'number' ? String(value) : value }; } });
    assert.deepEqual([both?.kind, both?.alarm, both?.unseenShare, both?.reference.missing], ['category', false, 0, 0]);
    assert.deepEqual([found['level']?.alarm, found['level']?.unseenShare, /the reference has texts, production numbers/.test(found['level']?.because ?? '')], [true, 1, true]);
  });

  it('keeps features that are called as the prediction apart from it', async () => {
    const { score, label, 'features.score': feature, 'features.label': other } = await driftOf({
      features: ['score', 'label'], reference: (random) => ({ score: 1000 * random(), label: 'x' }), production: (random) => ({ score: 1000 * random(), label: 'x' }), record: (random) => ({ score: random(), label: 'y' }),
    });
    assert.deepEqual([score, label, feature?.alarm, other?.alarm, feature?.production, other?.production], [undefined, undefined, false, false, { rows: 2000, missing: 0 }, { rows: 2000, missing: 0 }]);
    const { findings } = await measured({ reference: (random) => ({ score: random(), a: random() }), production: (random) => ({ score: 1000 * random(), a: random() }), record: (random) => ({ score: random() }) });
    const [{ report }] = findings as [DriftFinding];
    assert.deepEqual([report.features.map(({ feature: name, alarm, production }) => [name, alarm, production.missing]).sort(), report.onlyReference, report.onlyProduction], [[['a', false, 0], ['score', false, 0]], [], ['features.score']]);
  });

  it('measures probabilities as scores, and labels as categories of their own', async () => {
    const labelled = (share: number): Made => (random) => ({ proba: random(), label: random() < share ? 'yes' : 'no' });
    const { score, label } = await driftOf({ reference: labelled(0.5), production: () => ({}), record: labelled(0.9) });
    assert.deepEqual([score?.kind, score?.alarm, label?.kind, label?.alarm], ['number', false, 'category', true]);
    const { findings } = await measured({ reference: labelled(0.5), production: () => ({}), record: (random) => ({ label: random() < 0.5 ? 'yes' : 'no' }) });
    assert.deepEqual([findings[0]?.report.features.map(({ feature, alarm }) => [feature, alarm]), findings[0]?.report.onlyReference], [[['label', false]], ['score']]);
  });

  it('counts categories by those of the reference: what it does not have is told exactly', async () => {
    // 300 categories, and each tenth row another one that is never seen again.
    const { many } = await driftOf({ reference: (_, row) => ({ many: `m${row % 300}` }), production: (_, row) => ({ many: row % 10 === 3 ? `new ${row}` : `m${row % 300}` }), rows: [6000, 6000] });
    assert.deepEqual([many?.unseenShare, many?.unseen.length, many?.alarm], [0.1, 10, true]);
    // More than are kept: it is not known then, and that is said.
    const { more } = await driftOf({ reference: (_, row) => ({ more: `m${row % 1500}` }), production: (_, row) => ({ more: `m${(7 * row) % 1500}` }), rows: [6000, 6000] });
    assert.deepEqual([more?.unseenShare, more?.unseen, more?.alarm], [Number.NaN, [], false]);
  });

  it('says which features are left out, and looks at those that are named first', async () => {
    const wide = (shift: number): Made => (random) => Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`f${String(at).padStart(3, '0')}`, random() + (at >= 250 ? shift : 0)]));
    const all = await measured({ reference: wide(0), production: wide(3), rows: [300, 300] });
    assert.equal(all.findings[0]?.report.features.length, 200);
    assert.deepEqual(all.messages, ['train.jsonl', 'the log'].map((what) => `Drift: of ${what} 200 features are looked at, 100 others are left out (f200, f201, f202, ...): name those that matter in drift.features, 500 at most.`));
    const named = Array.from({ length: 300 }, (_, at) => `f${String(299 - at).padStart(3, '0')}`);
    const listed = await measured({ reference: wide(0), production: wide(3), features: named, rows: [300, 300] });
    assert.deepEqual([listed.findings[0]?.report.features.length, listed.findings[0]?.report.features.filter(({ alarm }) => alarm).length, listed.messages], [300, 50, []]);
    const wider: Made = () => Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`f${at}`, 1]));
    assert.match((await measured({ reference: wider, production: wider, rows: [20, 20] })).messages.at(-1) ?? '', /^Drift: of the log 200 features are looked at, at least 150 others are left out/);
    const tooMany = Array.from({ length: 520 }, (_, at) => `f${at}`);
    const one: Made = () => Object.fromEntries(tooMany.map((name) => [name, 1]));
    const over = await measured({ reference: one, production: one, features: tooMany, rows: [20, 20] });
    assert.deepEqual([over.findings[0]?.report.features.length, over.messages], [500, ['Drift: of the 520 features of drift.features the first 500 are looked at, 20 are left out (f500, f501, f502, ...): name fewer.']]);
  });

  it('names lists and mappings, which it does not measure', async () => {
    const { findings } = await measured({ reference: () => ({ a: 1, emb: [1, 2], place: { x: 1 } }), production: () => ({ a: 1, emb: [1, 2], more: [3] }), features: undefined as never });
    assert.deepEqual(findings[0]?.report.notMeasured, ['emb', 'place', 'more']);
    const named = await measured({ reference: () => ({ a: 1, emb: [1, 2] }), production: () => ({ a: 1, emb: [1, 2] }), features: ['a', 'emb'] });
    assert.deepEqual([named.findings[0]?.report.features.map(({ feature }) => feature), named.findings[0]?.report.notMeasured], [['a'], ['emb']]);
    await assert.rejects(measured({ reference: () => ({ a: 1 }), production: () => ({ a: 1 }), features: ['b'] }), { code: 'validation', message: /train\.jsonl has no column b: correct drift\.features/ });
  });

  it('says why nothing was compared', async () => {
    const { data, findings } = await measured({ reference: () => ({ a: 1 }), production: () => ({ b: 1 }) });
    assert.deepEqual(unmeasured(data, 'production', findings, true), [{ words: 'Drift of production: nothing was compared: current and train.jsonl have no feature in common, and no prediction.', isAsked: true }]);
    const without: QualityData = { ...data, references: [] };
    const alone = unmeasured(without, 'production', driftFindings(without, 'production'), false);
    assert.match(alone[0]?.words ?? '', /^Drift of production: nothing was compared: the records are of current only, and there is no reference\. Add drift: \{reference: data\/train\.parquet\}/);
    const [old] = unmeasured({ ...without, production: { name: 'last 24 h', parts: [] } }, 'production', [], true);
    assert.deepEqual([alone[0]?.isAsked, old?.words.endsWith('the log has no record of production of the last 24 h.'), old?.isAsked], [false, true, false]);
    const both = await measured({ reference: () => ({ a: 1 }), production: () => ({ a: 1 }), arms: ['current', 'candidate'] });
    assert.deepEqual([unmeasured(both.data, 'production', both.findings, true), both.findings.length], [[], 3]);
  });

  it('says so where the arms were compared with each other, but not with what was asked for', async () => {
    const apart = await measured({ reference: () => ({ b: 1 }), production: () => ({ a: 1 }), arms: ['current', 'candidate'] });
    assert.deepEqual(unmeasured(apart.data, 'production', apart.findings, true).map(({ words, isAsked }) => [words.replace('Drift of production: nothing was compared: ', ''), isAsked]), ['current', 'candidate'].map((arm) => [`${arm} and train.jsonl have no feature in common, and no prediction.`, true]));
    const gone: QualityData = { ...apart.data, references: [] };
    assert.deepEqual(unmeasured(gone, 'production', driftFindings(gone, 'production'), true), [{ words: 'Drift of production: nothing was compared with drift.reference: there is none that could be read, or no record of then.', isAsked: true }]);
    const few = await measured({ reference: () => ({ a: 1 }), production: () => ({ a: 1 }), rows: [1, 100] });
    assert.match(unmeasured(few.data, 'production', few.findings, true)[0]?.words ?? '', /current against train\.jsonl tells nothing: a not measured by fewer than 10 units: the reference has 1\.$/);
  });
});

describe('drift between the arms', () => {
  it('is measured in bins of the arms\' own values, not of a file in which all of them lie in one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'modelswitch-arms-'));
    try {
      writeFileSync(join(folder, 'train.csv'), `amount\n${'0\n1\n'.repeat(300)}`);
      const { samples, units, edges, rows } = await readReference({ folder, path: 'train.csv', features: ['amount'], columns: {} }, AbortSignal.timeout(60_000));
      const { quality } = readQuality({ source: { log: 'log.jsonl' }, drift: {} });
      const collector = new Collector(quality ?? assert.fail(), { flags: ['f'], features: ['amount'], edges });
      collector.now = NOW;
      for (let row = 0; row < 2000; row += 1) {
        const arm = row % 2 === 0 ? 'candidate' : 'current';
        collector.add({ ts: NOW - 60_000 + row, request_id: `r-${row}`, unit_id: `u-${row}`, environment: 'production', flag: 'f', assigned_arm: arm, features: { amount: (arm === 'candidate' ? 5100 : 100) + (row % 97) } }, () => '');
      }
      const findings = driftFindings({ ...collector.data(NOW, []), references: [{ name: 'train.csv', rows, units, samples }] }, 'production');
      const [amount] = findings.find(({ reference }) => reference === 'current')?.report.features ?? [];
      assert.deepEqual([amount?.alarm, (amount?.psi ?? 0) > 5, amount?.bins.labels.length], [true, true, 10], amount?.because);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('drift by chance', () => {
  for (const [name, { scenario, runs }] of Object.entries(CHANCE)) {
    it(`alarms within the level: ${name}`, () => {
      const { alarms, significant } = chanceAlarms(scenario, runs, 21);
      assert.ok(alarms <= most(runs) && significant <= most(runs), `${alarms} and ${significant} of ${runs}`);
    });
  }

  it('is told from drift of categories, however many they are', () => {
    const random = seeded(22);
    const draw = (chances: Float64Array, rows: number): FeatureSample => drawCategories(random, chances, rows).sample;
    const units = { reference: 20_000, production: 5000 };
    const reference = draw(uniform(3000), 20_000);
    assert.ok((reference.others?.length ?? 0) === OTHER_GROUPS && reference.otherCategories > 0);
    const half = featureDrift(reference, draw(summed(Array.from({ length: 3000 }, (_, at) => Number(at % 2 === 0))), 15_000), { ...units, production: 15_000 }, 20);
    assert.ok(half.alarm, half.because);
    const loud = featureDrift(reference, draw(summed(Array.from({ length: 3000 }, (_, at) => (at === 17 ? 300 : 1))), 5000), units, 20);
    assert.ok(loud.alarm, loud.because);
    const rare = featureDrift(draw(zipf(100), 20_000), draw(summed([...Array.from({ length: 100 }, (_, rank) => 1 / (rank + 1)), 0.3]), 1000), { reference: 20_000, production: 1000 }, 20);
    assert.ok(rare.alarm && rare.unseen[0] === 'm100', rare.because);
  });

  it('is told from drift of all of production where the reference is much larger: what that lacks is expected nowhere', () => {
    for (const [n, m] of [[200_000, 900], [5000, 100], [1_000_000, 1500]] as const) {
      const units = { reference: n, production: m };
      const categories = (shares: Readonly<Record<string, number>>, size: number): FeatureSample => ({ name: 'c', rows: size, missing: 0, values: [], categories: Object.fromEntries(Object.entries(shares).map(([name, share]) => [name, share * size])), otherCategories: 0 });
      const turned = featureDrift(categories({ true: 1 }, n), categories({ false: 1 }, m), units, 3);
      const added = featureDrift(categories({ a: 0.5, b: 0.5 }, n), categories({ a: 0.42, b: 0.42, c: 0.16 }, m), units, 3);
      const at = (value: number, size: number, counts: readonly number[]): FeatureSample => ({ ...numberSample(new Array<number>(100).fill(value)), rows: size, binned: { edges: [-Number.MIN_VALUE, 0], counts } });
      const fee = featureDrift(at(0, n, [0, n, 0]), at(19.9, m, [0, 0, m]), units, 3);
      assert.deepEqual([turned.alarm, added.alarm, fee.alarm, turned.bins.labels, added.bins.labels], [true, true, true, ['true', 'false'], ['a', 'b', 'c']], `${n} and ${m}: ${turned.because}, ${added.because}, ${fee.because}`);
    }
  });

  it('is not measured by less than ten units on a side, nor in one bin: that is no 0', () => {
    const values = Array.from({ length: 100 }, (_, at) => at);
    const [few, one, same] = [
      featureDrift(numberSample([5]), numberSample(values), { reference: 1, production: 100 }, 1), featureDrift({ ...numberSample(values), binned: { edges: [], counts: [100] } }, { ...numberSample(values.map((value) => value + 500)), binned: { edges: [], counts: [100] } }, { reference: 100, production: 100 }, 1),
      featureDrift(numberSample(new Array<number>(100).fill(3)), numberSample(new Array<number>(100).fill(3)), { reference: 100, production: 100 }, 1),
    ];
    assert.deepEqual([few.psi, few.jensenShannon, few.alarm, few.because], [Number.NaN, Number.NaN, false, 'not measured by fewer than 10 units: the reference has 1']);
    assert.deepEqual([one.psi, one.because, same.psi], [Number.NaN, 'all values lie in one bin', 0]);
    assert.equal(featureDrift(numberSample(values), numberSample(values), { reference: 9.5, production: 100 }, 1).psi, Number.NaN);
  });

  it('has the same groups in whatever order names come, all of each name in one', () => {
    const names = Array.from({ length: 4000 }, (_, at) => `m${at}`);
    const [own, other] = [counted(names), counted(names.toReversed())];
    assert.equal(Object.keys(own.categories).some((name) => Object.hasOwn(other.categories, name)), false);
    const { psi, bins } = featureDrift(own, other, { reference: 4000, production: 4000 }, 1);
    assert.deepEqual([psi, bins.reference], [0, bins.production]);
    assert.equal(bins.reference.reduce((sum, count) => sum + count, 0), 4000);
    const both = joined('c', [counted(['m1', 'm3999']), own], 0);
    assert.deepEqual([both.rows, both.otherCategories + Object.values(both.categories).reduce((sum, count) => sum + count, 0), both.categories['m1'], both.categories['m3999']], [4002, 4002, 2, undefined]);
  });

  it('names of a thousand and more those that no list could have missed', () => {
    const sample = counted(Array.from({ length: 4000 }, (_, at) => (at % 10 === 0 ? 'often' : at % 200 === 1 ? 'rare' : `m${at}`)));
    assert.deepEqual([sample.categories['often'], sample.categories['rare']], [400, 20]);
    const { labels } = featureDrift(sample, sample, { reference: 4000, production: 4000 }, 1).bins;
    assert.deepEqual([labels[0], labels.includes('rare'), /^others, group 1 of \d+$/.test(labels[1] ?? '')], ['often', false, true]);
  });

  it('is told from values that are missing, and from another share of the one value that is most', () => {
    const shifted = (from: number, to: number, size: number): boolean => {
      const [own, other] = [from, to].map((share): FeatureSample => ({ ...numberSample([0.5]), rows: size, missing: share * size, binned: { edges: [], counts: [(1 - share) * size] } })) as [FeatureSample, FeatureSample];
      return featureDrift(own, other, { reference: size, production: size }, 50).alarm;
    };
    assert.deepEqual([shifted(0.01, 0.12, 1000), shifted(0.12, 0.01, 1000), shifted(0.01, 0.05, 1000), shifted(0.01, 0.12, 20)], [true, true, false, false]);
    const random = seeded(24);
    const [half, more] = [0.5, 0.75].map((share) => numberSample(Array.from({ length: 1000 }, () => zeros(random, share)))) as [FeatureSample, FeatureSample];
    assert.ok(featureDrift(half, more, { reference: 1000, production: 1000 }, 20).alarm);
  });

  it('is told from a shift of numbers with few units, and by how many of them', () => {
    const random = seeded(25);
    const found = (size: number, draw: () => number): FeatureDrift => featureDrift(numberSample(Array.from({ length: 2000 }, () => random())), numberSample(Array.from({ length: size }, draw)), { reference: 2000, production: size }, 20);
    const of = (size: number, draw: () => number): number => Array.from({ length: 20 }, () => found(size, draw)).filter(({ alarm }) => alarm).length;
    const root = (): number => Math.sqrt(random());
    // 1 + x of uniform numbers is beyond all of the reference; their root is larger by a sixth.
    assert.deepEqual([of(12, () => 1 + random()), of(4, () => 1 + random()), of(150, root)], [20, 0, 20]);
    assert.ok(of(60, root) > 5);
    assert.deepEqual([found(20, random).bins.labels.length, found(60, random).bins.labels.length], [3, 10]);
    assert.match(found(100, root).because, /^PSI \d\.\d{3} is above 0\.\d{3}$/);
  });

  it('sees what a large reference has nothing of, or next to nothing', () => {
    const [many, few] = [200_000, 900];
    const counts = (named: Readonly<Record<string, number>>): FeatureSample => ({ name: 'c', rows: Object.values(named).reduce((sum, count) => sum + count, 0), missing: 0, values: [], categories: named, otherCategories: 0 });
    const against = (reference: FeatureSample, production: FeatureSample): FeatureDrift => featureDrift(reference, production, { reference: reference.rows, production: production.rows }, 20);
    const always = against(counts({ true: many }), counts({ false: few }));
    assert.deepEqual([always.alarm, always.bins, always.psi > 18], [true, { labels: ['true', 'false'], reference: [many, 0], production: [0, few] }, true]);
    // 12.6 % of a plan that training did not have, and one that was 0.1 % there; less than either 2 % is none.
    const plan = (share: number, before = 0): FeatureDrift => against(counts({ basic: many / 2, pro: many / 2, old: before }), counts({ basic: ((1 - share) * few) / 2, pro: ((1 - share) * few) / 2, [before === 0 ? 'enterprise' : 'old']: share * few }));
    assert.deepEqual([plan(0.126).alarm, plan(0.126, 200).alarm, plan(0.002).alarm, plan(0.002, 200).alarm], [true, true, false, false]);
    assert.match(plan(0.126).because, /^rare values 0 % -> 12\.6 % \(PSI 0\.916 is above 0\.100\)$/);
    assert.deepEqual([plan(0.126).bins.labels, plan(0.002).bins.labels], [['basic', 'pro', 'enterprise'], ['basic and others', 'pro']]);
    // Fees that were 0, and now are 19.9; and scales, of which a tenth is broken.
    const binned = (edges: readonly number[], bins: readonly number[]): FeatureSample => ({ ...numberSample([0]), rows: bins.reduce((sum, count) => sum + count, 0), binned: { edges, counts: bins } });
    const fee = against(binned([-Number.MIN_VALUE, 0], [0, many, 0]), binned([-Number.MIN_VALUE, 0], [0, 0, few]));
    assert.deepEqual([fee.alarm, fee.bins.labels], [true, ['<= 0', '> 0']]);
    const scale = against(binned([-Number.MIN_VALUE, 0, 5], [0, many / 2, many / 2, 10]), binned([-Number.MIN_VALUE, 0, 5], [60, 0.46 * few, 0.46 * few, 12]));
    assert.deepEqual([scale.alarm, scale.bins.labels, /^rare values 0\.005 % -> 8 % /.test(scale.because)], [true, ['< 0', '= 0', '0 to 5', '> 5'], true], scale.because);
  });
});
