import assert from 'node:assert/strict';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { skewMessage } from '../../../src/core/quality/productionWords.ts';
import { skewReport, type SkewDefinition, type SkewReport } from '../../../src/core/quality/skew.ts';

function definition(section: object = {}): SkewDefinition {
  const { quality, problems } = readQuality({ source: { log: 'log.jsonl' }, skew: { exec: ['python', 'features.py'], ...section } });
  assert.deepEqual(problems, []);
  return quality?.skew ?? assert.fail();
}

type Row = readonly [logged: unknown, recomputed: unknown];

/** One feature x of as many requests as there are rows. */
function report(rows: readonly Row[], section: object = {}): SkewReport {
  return skewReport(rows.map(([x], index) => ({ requestId: `r-${index}`, features: { x } })), new Map(rows.map(([, x], index) => [`r-${index}`, { x }])), definition(section));
}

const times = (count: number, row: Row): Row[] => Array.from({ length: count }, () => row);

describe('feature skew', () => {
  it('counts every request in one of equal, different and missing on a side', () => {
    const [x] = report([[1, 1], ['a', 'a'], [null, Number.NaN], [1, 2], [3, null], [Number.NaN, 4], ['a', 'b'], [true, true], [10, 13]]).features;
    assert.ok(x !== undefined);
    assert.deepEqual([x.requests, x.equal, x.different, x.onlyLogged, x.onlyRecomputed], [9, 4, 3, 1, 1]);
    assert.deepEqual(x.largest, { requestId: 'r-8', logged: '10', recomputed: '13', difference: 3 });
  });

  it('takes true for 1, as text too, and a feature without a value on one side for missing there', () => {
    assert.equal(report([[true, 1], ['True', true], [false, 0], ['false', 0]]).features[0]?.because, 'equal in all 4 requests');
    const { features: [x], notRecomputed } = report(times(100, [3, null]));
    assert.deepEqual([x?.onlyLogged, x?.alarm, notRecomputed], [100, true, []]);
    assert.equal(report(times(100, [null, 3])).features[0]?.onlyRecomputed, 100);
  });

  it('is told as it is in a message: what few requests tell is no all-clear', () => {
    const few: SkewReport = { ...report(times(10, [1, 1])), insufficient: 'the command told 10 of 100 requests' };
    assert.deepEqual([few, report(times(100, [1, 1])), report(times(100, [1, 2]))].map((each) => { const { words, isFine } = skewMessage(each); return [isFine, words.slice(0, 45)]; }), [
      [false, 'Feature skew is not known: the command told 1'], [true, '100 of 100 requests recomputed: no feature is'], [false, '100 of 100 requests recomputed: skewed are x:'],
    ]);
  });

  it('says nothing by a few of the requests, or where no feature has the same name', () => {
    const asked = Array.from({ length: 100 }, (_, index) => ({ requestId: `r-${index}`, features: { x: 1 } }));
    const told = (count: number, name: string): string | undefined => skewReport(asked, new Map(asked.slice(0, count).map(({ requestId }) => [requestId, { [name]: 1 }])), definition()).insufficient;
    assert.deepEqual([told(1, 'x'), told(49, 'x'), told(50, 'x'), told(100, 'renamed')], ['the command told 1 of 100 requests', 'the command told 49 of 100 requests', undefined, 'no feature is on both sides under the same name']);
  });

  it('takes numbers within the tolerance for equal, and a number in text for a number', () => {
    const equal = (row: Row, section: object): number => report([row, [1, 1]], section).features[0]?.equal ?? 0;
    assert.deepEqual([equal([100, 100.00005], {}), equal([100, 100.001], {}), equal([100, 100.001], { rel: 1e-4 }), equal([0, 0.5], { abs: 0.5 }), equal([0, 0.51], { abs: 0.5 }), equal(['1.5', 1.5], {})], [2, 1, 2, 2, 1, 2]);
  });

  it('takes codes and ids in texts for what they are, and lists and mappings value by value', () => {
    const isEqual = (...row: Row): boolean => report([row]).features[0]?.equal === 1;
    const same: Row[] = [
      ['1.50', '1.5'], ['1e6', '1000000.0'], ['0.1', '0.10000000000000001'], ['4012888800', 4012888800], ['10', 10], ['1.5', 1.5], [2n ** 60n, 2 ** 60], ['01234', '01234'], [[0.1 + 0.2], [0.3]], [[1, [2, 'a']], [1.0000001, [2, 'a']]],
      [{ a: 1, b: [0.3] }, { b: [0.1 + 0.2], a: 1 }], [{ a: null }, { a: Number.NaN }], [new Date('2026-01-02'), '2026-01-02T00:00:00'], ['True', 'true'],
    ];
    const other: Row[] = [
      ['01234', '1234'], ['01234', 1234], ['4012888800', '4012888801'], ['4012888800', 4012888801], ['900000000000000001', '900000000000000002'], ['5', '5.0'], [[1, 2], [1]], [[1, 2], [2, 1]], [[1], { 0: 1 }], [{ a: 1 }, { b: 1 }], [{ a: 1 }, { a: 1.001 }], [[1], '[1]'],
    ];
    assert.deepEqual(same.filter((row) => !isEqual(...row)), []);
    assert.deepEqual(other.filter((row) => isEqual(...row)), []);
    assert.deepEqual(report([['01234', '1234'], [1, 1]]).features[0]?.largest, { requestId: 'r-0', logged: '01234', recomputed: '1234' });
  });

  it('alarms on evidence for more than is tolerated, not on a few requests', () => {
    // The exact lower limit, 5 % to each side, is 0.0133 of 20 of 1000, 0.0069 of 12, 0.0026 of 1 of 20.
    const alarm = (wrong: number, of: number, section: object = {}): boolean | undefined => report([...times(wrong, [1, 2]), ...times(of - wrong, [1, 1])], section).features[0]?.alarm;
    assert.deepEqual([alarm(20, 1000), alarm(12, 1000), alarm(20, 1000, { max_share: 0.05 }), alarm(1, 20), alarm(0, 1000)], [true, false, false, false, false]);
    assert.match(report([...times(20, [1, 2]), ...times(980, [1, 1])]).features[0]?.because ?? '', /^other values in 2 % of 1000 requests \(1\.33 % to 2\.89 %\), more than 1 %$/);
    assert.equal(report(times(5, [1, 1])).features[0]?.because, 'equal in all 5 requests');
    assert.equal(report([[1, 1]]).features[0]?.because, 'equal in the one request');
  });

  it('shares the level among features, and puts the worst first', () => {
    const requests = Array.from({ length: 400 }, (_, index) => ({ requestId: `r-${index}`, features: { a: 1, b: 1, c: index } }));
    const { features } = skewReport(requests, new Map(requests.map(({ requestId, features: { c } }, index) => [requestId, { a: index < 40 ? 2 : 1, b: 1, c }])), definition());
    assert.deepEqual(features.map(({ feature, alarm }) => [feature, alarm]), [['a', true], ['b', false], ['c', false]]);
    const alone = report([...times(40, [1, 2]), ...times(360, [1, 1])]).features[0];
    assert.ok((features[0]?.interval.low ?? 1) < (alone?.interval.low ?? 0));
  });

  it('names what only one side has, and counts what was not told or not asked for', () => {
    const found = skewReport([{ requestId: 'a', features: { x: 1, y: 1 } }, { requestId: 'b', features: { x: 1 } }], new Map([['a', { x: 1, z: 1 }], ['other', { x: 1 }]]), definition());
    assert.deepEqual([found.asked, found.told, found.unknown, found.notRecomputed, found.notLogged, found.features.map(({ feature }) => feature)], [2, 1, 1, ['y'], ['z'], ['x']]);
  });
});
