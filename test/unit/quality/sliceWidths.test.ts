import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { MISSING_ANSWERS, readQuality } from '../../../src/core/quality/definitions.ts';
import { newestDistance } from '../../../src/core/quality/productionWords.ts';
import { SliceWidths } from '../../../src/core/quality/sliceWidths.ts';
import type { QualityData, QualityWindow } from '../../../src/core/quality/window.ts';
import { START } from '../../support/qualityRecords.ts';

const [MINUTE, HOUR] = [60_000, 3_600_000];
const DEFINITION = readQuality({
  source: { log: 'x.jsonl' }, window: '1min', by: ['features.country'], labels: { field: 'converted', mature_after: '1min' },
  guardrails: [{ name: 'errors', bad: 'error' }], signals: [{ name: 'conversion', mean: 'converted' }],
}).quality ?? assert.fail();

/** One prediction of each arm in each of 50 countries for so many minutes, each with its outcome. */
function* logged(minutes: number, from = 0): Generator<Record<string, unknown>> {
  for (let minute = from; minute < from + minutes; minute += 1) {
    const ts = new Date(START + minute * MINUTE).toISOString();
    for (let country = 0; country < 50; country += 1) {
      for (const arm of ['candidate', 'current']) {
        const request_id = `${minute} ${country} ${arm}`;
        yield { ts, request_id, unit_id: request_id, flag: 'fraud', assigned_arm: arm, environment: 'production', service: 's', features: { country: `C${country}` }, score: 0.5, error: (minute + country) % 7 === 0 ? 'timeout' : null };
        yield { ts, request_id, converted: country % 2 };
      }
    }
  }
}

const started = (saved?: ReturnType<typeof savedOf>): Collector => new Collector(DEFINITION, { flags: ['fraud'] }, saved);
const savedOf = (collector: Collector): NonNullable<Collector['saved']> => structuredClone(collector.saved ?? assert.fail());
const add = (collector: Collector, records: Iterable<Record<string, unknown>>): void => { for (const record of records) collector.add(record, () => 'record'); };
const dataOf = (collector: Collector): QualityData => collector.data(START + 30 * 24 * HOUR, []);
const widthOf = ({ start, end }: QualityWindow): number => end - start;
const ofSlice = (name: string | undefined) => ({ slice }: QualityWindow): boolean => slice === name;

describe('windows of slices', () => {
  let data: QualityData;
  let collector: Collector;

  before(() => {
    collector = started();
    add(collector, logged(1500));
    data = dataOf(collector);
  });

  it('become wider the older they are where there are many, and those of all records stay as they are', () => {
    const sliced = data.windows.filter(({ slice }) => slice !== undefined);
    assert.ok(sliced.length <= 50_000 && sliced.length >= 20_000, String(sliced.length));
    assert.deepEqual([...new Set(sliced.map(widthOf))].sort((a, b) => a - b), [MINUTE, 12 * MINUTE]);
    for (const window of sliced) assert.equal(window.start % widthOf(window), 0);
    const own = sliced.filter(({ slice, arm }) => slice === 'country = C7' && arm === 'candidate').sort((a, b) => a.start - b.start);
    for (const [index, { start }] of own.entries()) assert.equal(start, own[index - 1]?.end ?? START);
    assert.equal(widthOf(own.at(-1)!), MINUTE);
    const whole = data.windows.filter(ofSlice(undefined));
    assert.deepEqual([whole.length, new Set(whole.map(widthOf))], [3000, new Set([MINUTE])]);
  });

  it('lose nothing of what was counted', () => {
    for (const name of ['errors', 'conversion']) {
      const sums = (windows: readonly QualityWindow[]): readonly number[] => windows.reduce<readonly [number, number, number]>(([n, sum, requests], { metrics, requests: own }) => [n + (metrics[name]?.n ?? 0), sum + (metrics[name]?.sum ?? 0), requests + own], [0, 0, 0]);
      for (let country = 0; country < 50; country += 1) {
        const expected = name === 'errors' ? Array.from({ length: 1500 }, (_, minute) => Number((minute + country) % 7 === 0)).reduce((a, b) => a + b, 0) : 1500 * (country % 2);
        assert.deepEqual(sums(data.windows.filter(({ slice, arm }) => slice === `country = C${country}` && arm === 'current')).slice(0, 2), [1500, expected], `${name} ${country}`);
      }
    }
  });

  it('take back an outcome that is corrected where it was counted, whatever window that is by now', () => {
    const corrected = started(savedOf(collector));
    // One is of a wide window by now, the other of a narrow one.
    for (const minute of [400, 1499]) add(corrected, [{ ts: new Date(START + minute * MINUTE + 1000).toISOString(), request_id: `${minute} 3 candidate`, converted: 0 }]);
    const of = ({ windows }: QualityData): readonly (readonly [width: number, sum: number])[] => windows.filter(ofSlice('country = C3')).filter(({ arm }) => arm === 'candidate').map((window) => [widthOf(window), window.metrics['conversion']?.sum ?? 0]);
    const [before, after] = [of(data), of(dataOf(corrected))];
    assert.equal(after.length, before.length);
    const changed = before.flatMap(([width, sum], index) => (after[index]?.[1] === sum ? [] : [[width, sum - after[index]![1]]]));
    assert.deepEqual(changed, [[12 * MINUTE, 1], [MINUTE, 1]]);
  });

  it('are the same after a restart in the middle', () => {
    const first = started();
    add(first, logged(700));
    const second = started(savedOf(first));
    add(second, logged(800, 700));
    const sorted = ({ windows }: QualityData): readonly QualityWindow[] => windows.toSorted((a, b) => a.start - b.start || (a.slice ?? '').localeCompare(b.slice ?? '') || a.arm.localeCompare(b.arm));
    assert.deepEqual(sorted(dataOf(second)), sorted(data));
  });

  it('move no beginning of evidence: one that reaches over it is left out of its slice, and nothing else is', () => {
    const since = START + 6 * MINUTE;
    const report = compareArms(data, DEFINITION, 'production', { since, shareAt: () => 0.5 });
    assert.equal(report.metrics[0]?.candidate.n, 50 * (1500 - 6));
    assert.equal(report.slices.find(({ slice, name }) => slice === 'country = C7' && name === 'errors')?.candidate.n, 1500 - 12);
  });

  it('say nothing of how far apart the predictions of an arm are', () => {
    const [whole, ofSlice] = [data.windows.find(({ slice, arm }) => slice === undefined && arm === 'candidate') ?? assert.fail(), data.windows.find(({ slice, arm }) => slice !== undefined && arm === 'candidate') ?? assert.fail()];
    const few = { ...whole, requests: 30 };
    const arm = { environment: 'production', arm: 'candidate', lastSeen: few.start + 2 * HOUR };
    assert.equal(newestDistance({ windows: [{ ...ofSlice, start: few.start - 12 * HOUR, end: few.start + 12 * HOUR }, few] }, arm), 2 * HOUR / 30);
  });

  it('hide no hour of the exposure counters', () => {
    const ofSlice: QualityWindow = { ...data.windows.find(({ slice }) => slice !== undefined) ?? assert.fail(), start: START - 12 * HOUR, end: START + 12 * HOUR };
    const exposures = Array.from({ length: 25 }, (_, hour) => ({ start: START + hour * HOUR, end: START + (hour + 1) * HOUR, yes: 3000, no: 3000 }));
    const report = compareArms({ ...data, windows: [...data.windows, ofSlice] }, DEFINITION, 'production', { since: START, shareAt: () => 0.5, exposed: { counted: [{ exposures }], now: START + 30 * HOUR } });
    assert.equal(report.metrics.find(({ name }) => name === MISSING_ANSWERS)?.candidate.n, 25 * 3000);
  });
});

describe('widths by age', () => {
  const DAY = 24 * HOUR;

  it('are multiples of each other up to more than a week, and older windows are never narrower', () => {
    fc.assert(fc.property(fc.constantFrom(1000, MINUTE, 7 * MINUTE, HOUR, DAY), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 400 }), (windowMs, services, rounds) => {
      const widths = new SliceWidths(windowMs);
      const windows = new Map<number, number>();
      for (let round = 0; round < rounds; round += 1) {
        const at = START + round * windowMs;
        windows.set(widths.startOf(at), services);
        if (round % 20 !== 19) continue;
        widths.widen([...windows].flatMap(([start, count]) => new Array<number>(count).fill(start)));
        for (const start of [...windows.keys()]) {
          if (widths.startOf(start) === start) continue;
          windows.delete(start);
          windows.set(widths.startOf(start), services);
        }
        const starts = [...windows.keys()].sort((a, b) => a - b);
        for (const [index, start] of starts.entries()) {
          assert.equal(widths.startOf(start), start);
          const next = starts[index + 1];
          if (next === undefined) continue;
          assert.ok(start + widths.widthAt(start) <= next && widths.widthAt(start) >= widths.widthAt(next));
        }
      }
    }), { seed: 20_261_201, numRuns: 60 });
  });

  it('keep about as many windows however long records come', () => {
    const widths = new SliceWidths(5 * MINUTE);
    const windows = new Map<number, number>();
    let most = 0;
    // A year of 100 slices and arms.
    for (let at = START; at < START + 365 * DAY; at += 5 * MINUTE) {
      for (let count = windows.get(widths.startOf(at)) ?? 0; count < 100; count += 1) {
        if (widths.isFull) {
          widths.widen([...windows].flatMap(([start, held]) => new Array<number>(held).fill(start)));
          const before = [...windows];
          windows.clear();
          for (const [start, held] of before) windows.set(widths.startOf(start), Math.max(held, windows.get(widths.startOf(start)) ?? 0));
          widths.widened([...windows.values()].reduce((sum, held) => sum + held, 0));
        }
        windows.set(widths.startOf(at), count + 1);
        widths.begun();
      }
      most = Math.max(most, 100 * windows.size);
    }
    assert.ok(most < 52_000, String(most));
    assert.deepEqual([...new Set([...windows.keys()].map((start) => widths.widthAt(start) / MINUTE))].sort((a, b) => a - b), [5, 60, 720, 8640]);
  });

  it('allow more where there is nothing to put together', () => {
    const widths = new SliceWidths(MINUTE);
    for (let index = 0; index <= 50_000; index += 1) widths.begun();
    assert.ok(widths.isFull);
    widths.widen(new Array<number>(50_001).fill(START));
    assert.equal(widths.startOf(START), START);
    widths.widened(50_001);
    assert.ok(!widths.isFull);
  });
});
