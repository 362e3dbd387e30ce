import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prepareReference, readReference, type Reference } from '../../../src/adapters/quality/reference.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { driftReport, type FeatureDrift } from '../../../src/core/quality/drift.ts';
import { FeatureCollector } from '../../../src/core/quality/featureCollector.ts';
import { featureValue } from '../../../src/core/quality/featureValue.ts';
import { seeded } from '../../support/guardSimulation.ts';

describe('a reference of drift', () => {
  let folder: string;
  const random = seeded(5);
  /** One in ten is a fraud, whose amounts are larger. */
  const drawn = (isFraud: boolean): number => Math.round((isFraud ? 800 : 200) + 150 * random());
  const read = (columns: { readonly weight?: string; readonly unit?: string }, path = 'train.csv', features?: readonly string[]): Promise<Reference> => readReference({ folder, path, features, columns }, AbortSignal.timeout(10_000));

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'modelswitch-reference-'));
    // Frauds were drawn until they were a half, so each stands for a ninth of another row.
    const rows = Array.from({ length: 4000 }, (_, row) => `${drawn(row % 2 === 0)},${row % 2 === 0 ? 'fraud' : 'none'},${row % 2 === 0 ? 0.2 : 1.8},${Math.floor(row / 20)}`);
    writeFileSync(join(folder, 'train.csv'), `amount,kind,w,who\n${rows.join('\n')}\n`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function driftOf(columns: Parameters<typeof read>[0]): Promise<Map<string, FeatureDrift>> {
    const { samples, units, edges } = await read(columns, 'train.csv', ['amount', 'kind']);
    const rows = Array.from({ length: 3000 }, (_, row) => ({ amount: drawn(row % 10 === 0), kind: row % 10 === 0 ? 'fraud' : 'none' }));
    writeFileSync(join(folder, 'production.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const production = (await read({}, 'production.jsonl', ['amount', 'kind'])).samples;
    assert.ok((edges['amount']?.length ?? 0) > 3);
    return new Map(driftReport(samples, production, { reference: units, production: 3000 }).features.map((each) => [each.feature, each]));
  }

  it('counts resampled rows by their weights', async () => {
    const [without, weighted] = [await driftOf({}), await driftOf({ weight: 'w' })];
    for (const feature of ['amount', 'kind']) {
      assert.equal(without.get(feature)?.alarm, true, feature);
      assert.equal(weighted.get(feature)?.alarm, false, `${feature}: ${weighted.get(feature)?.because ?? ''}`);
      assert.ok((weighted.get(feature)?.psi ?? 1) < 0.03, String(weighted.get(feature)?.psi));
    }
  });

  it('that is not to be read is told with the reason', async () => {
    await assert.rejects(read({}, '.csv'), { code: 'notFound', message: 'There is no file .csv.' });
    mkdirSync(join(folder, 'folder.csv'));
    await assert.rejects(read({}, 'folder.csv'), { code: 'notFound', message: 'folder.csv is a folder, and only a plain file is read.' });
    const definition = readQuality({ source: { log: 'log.jsonl' }, drift: { reference: 'nope.csv' } }).quality ?? assert.fail();
    await assert.rejects(prepareReference(definition, folder, undefined, AbortSignal.timeout(10_000)), { code: 'notFound', message: 'There is no file nope.csv. Correct drift.reference in modelswitch.yaml, which names it.' });
    writeFileSync(join(folder, 'empty.parquet'), '');
    await assert.rejects(read({}, 'empty.parquet'), { code: 'validation', message: 'empty.parquet: the Parquet file cannot be read: it is empty, as one is whose writer has not closed it.' });
  });

  it('is worth as many rows as weights and units leave', async () => {
    const kish = (2000 * 0.2 + 2000 * 1.8) ** 2 / (2000 * 0.04 + 2000 * 3.24);
    assert.deepEqual([(await read({})).units, Math.round((await read({ weight: 'w' })).units), (await read({ unit: 'who' })).units, (await read({ weight: 'w', unit: 'who' })).units], [4000, Math.round(kish), 200, 200]);
    // Half of the customers with 39 rows, half with one: (20 + 20)^2 / (39^2 + 1) of two.
    writeFileSync(join(folder, 'unequal.csv'), `amount,who\n${Array.from({ length: 4000 }, (_, row) => `${row},${row % 40 === 0 ? `one ${row}` : `many ${Math.floor(row / 40)}`}`).join('\n')}\n`);
    assert.equal(Math.round((await read({ unit: 'who' }, 'unequal.csv')).units), Math.round((200 * 40 ** 2) / (2 * (39 ** 2 + 1))));
    assert.deepEqual((await read({ weight: 'w', unit: 'who' })).samples.map(({ name }) => name), ['score', 'amount', 'kind']);
    const { rows, samples } = await read({ weight: 'w' });
    const { fraud = 0, none = 0 } = samples.find(({ name }) => name === 'kind')?.categories ?? {};
    // Four standard errors of 2,000 roundings each.
    assert.ok(rows === 4000 && Math.abs(fraud - 400) < 72 && Math.abs(none - 3600) < 72, `${fraud}, ${none}`);
  });

  /** Of production, twice as large or as it was, against a column of a reference that is written as given. */
  async function against(file: string, text: string, production: readonly unknown[]): Promise<FeatureDrift> {
    writeFileSync(join(folder, file), text);
    const { samples, edges, categories, units } = await read({}, file, ['x']);
    const collector = new FeatureCollector({ features: ['x'], edges, categories });
    for (const x of production) collector.add({ features: { x } });
    return driftReport(samples, collector.samples, { reference: units, production: production.length }).features.find(({ feature }) => feature === 'x') ?? assert.fail();
  }

  it('takes a column of a CSV file for what most of its values are', async () => {
    const numbers = Array.from({ length: 2000 }, () => Math.round(1000 * random() * random()) / 1000 + 1);
    const written = (odd: string): string => `x,y\n${numbers.map((number, row) => `${row % 100 === 7 ? odd : String(number)},1`).join('\n')}\n`;
    const none = 2 * (20 / 2000);
    for (const odd of ['2', 'inf', 'nan', 'NA', 'N/A', 'NULL', 'None', '<NA>', '.5', '1.', ' ', '', '9'.repeat(400)]) {
      const [same, larger] = [await against('odd.csv', written(odd), numbers), await against('odd.csv', written(odd), numbers.map((number) => 2 * number))];
      assert.deepEqual([odd, same.kind, same.alarm, larger.kind, larger.alarm], [odd, 'number', false, 'number', true], same.because);
      assert.ok(same.reference.missing < none);
    }
    // What says something else than a number stays a text among them, in the reference as in production.
    const mixed = numbers.map((number, row) => (row % 100 === 7 ? 'many' : number));
    assert.equal((await against('odd.csv', written('many'), mixed)).alarm, false);
    // A number with leading zeros is a code.
    const codes = Array.from({ length: 2000 }, (_, row) => (row % 10 === 0 ? '01234' : String(94000 + (row % 7))));
    const { kind, alarm } = await against('codes.csv', `x,y\n${codes.map((code) => `${code},1`).join('\n')}\n`, codes);
    assert.deepEqual([kind, alarm], ['category', false]);
    const truths = codes.map((_, row) => row % 3 === 0);
    assert.equal((await against('truths.csv', `x,y\n${truths.map((truth, row) => `${row % 50 === 1 ? 'NA' : String(truth)},1`).join('\n')}\n`, truths.map((truth, row) => (row % 50 === 1 ? null : truth)))).alarm, false);
  });

  it('counts NA and NULL among numbers as missing in production, too', async () => {
    const rows = Array.from({ length: 2000 }, (_, row) => (row % 3 === 0 ? null : row % 50));
    for (const missing of ['NA', 'NULL', 'None', ' ', '']) {
      const { alarm, production: { missing: share }, because } = await against('missing.csv', `x,y\n${rows.map((x) => `${x ?? missing},1`).join('\n')}\n`, rows.map((x) => x ?? missing));
      assert.deepEqual([missing, alarm, Math.round(share * 100)], [missing, false, 33], because);
    }
  });

  it('reads the NaN that Python writes to JSON Lines, and says of other lines that they are none', async () => {
    const rows = Array.from({ length: 1000 }, (_, row) => (row % 4 === 0 ? 'NaN' : row % 4 === 1 ? '-Infinity' : String(row)));
    const { alarm, reference: { missing } } = await against('nan.jsonl', rows.map((x) => `{"x": ${x}}\n`).join(''), rows.map((x) => (x.endsWith('N') || x.endsWith('y') ? null : Number(x))));
    assert.deepEqual([alarm, missing], [false, 0.5]);
    await assert.rejects(against('nan.jsonl', '{"x": NaN}\n{"x": nothing}\n', []), { code: 'validation', message: /nan\.jsonl:2: the line is not valid JSON/ });
  });

  it('knows dates by what they say, however they are written', () => {
    for (const date of ['2026-01-02', '2026-01-02T00:00:00', '2026-01-02 00:00:00.000', '2026-01-02T00:00:00Z', '2026-01-02T01:00:00+01:00', new Date('2026-01-02')]) assert.equal(featureValue(date), '2026-01-02');
    for (const time of ['1969-07-20T20:17:40Z', '1969-07-20 20:17:40', '1969-07-20T21:17:40.000+01:00', new Date('1969-07-20T20:17:40Z')]) assert.equal(featureValue(time), '1969-07-20T20:17:40.000Z');
    for (const other of ['2026-01-02 to 2026-02-02', '2026-13-01T00:00:00', '2026-02-30 00:00', '0123-456-7890', 'text', 1.5, true, null]) assert.equal(featureValue(other), other);
    assert.deepEqual([new Date(Number.NaN), 'nan', '-Infinity', Number.POSITIVE_INFINITY, 2n ** 60n].map(featureValue), [Number.NaN, Number.NaN, Number.NaN, Number.NaN, 2 ** 60]);
  });

  it('counts features whose names every object has', async () => {
    const names = ['constructor', 'valueOf', 'toString'];
    const teams = Array.from({ length: 900 }, (_, row) => ['ferrari', 'mclaren', 'williams'][(7 * row) % 3] ?? '');
    writeFileSync(join(folder, 'names.csv'), `${names.join(',')},plain\n${teams.map((team, row) => `${names.map(() => team).join(',')},${row % 30}`).join('\n')}\n`);
    const { samples, edges, categories, units } = await read({}, 'names.csv');
    for (const options of [{ edges, categories }, {}]) {
      const collector = new FeatureCollector(options);
      for (const [row, team] of teams.entries()) collector.add({ features: { ...Object.fromEntries(names.map((name) => [name, team])), plain: row % 30 } });
      const { features } = driftReport(samples, collector.samples, { reference: units, production: teams.length });
      assert.deepEqual(features.map(({ feature, kind, alarm }) => [feature, kind, alarm]).toSorted(), [...names.map((name) => [name, 'category', false]), ['plain', 'number', false]].toSorted());
    }
  });

  it('says which row has no weight, and which column is missing', async () => {
    await assert.rejects(read({ weight: 'weight' }), { code: 'validation', message: /train\.csv has no column weight: correct drift\.weight and drift\.unit/ });
    for (const [wrong, shown] of [['-1', '-1'], ['', 'null'], ['many', '"many"']] as const) {
      writeFileSync(join(folder, 'wrong.csv'), `amount,w\n1,1\n2,${wrong}\n`);
      await assert.rejects(read({ weight: 'w' }, 'wrong.csv'), { code: 'validation', message: new RegExp(`wrong\\.csv, row (1|2): w is ("1"|${shown}): a weight is a number that is not negative`) });
    }
    writeFileSync(join(folder, 'wrong.csv'), 'amount,w\n1,0\n2,0\n');
    await assert.rejects(read({ weight: 'w' }, 'wrong.csv'), { code: 'validation', message: /all weights are 0/ });
  });

  it('is refused where nothing could be measured against it: without a row, with other separators, a log, of another format', async () => {
    for (const [name, text, features, message] of [
      ['empty.csv', '', undefined, /^empty\.csv has no row, so nothing can be measured against it: correct drift\.reference/],
      ['head.csv', 'amount,kind\n', ['amount'], /^head\.csv has no row/],
      ['empty.jsonl', '', undefined, /^empty\.jsonl has no row/],
      ['semicolons.csv', 'amount;kind\n1;a\n2;b\n', undefined, /^semicolons\.csv has one column, "amount;kind": its fields are to be separated by commas/],
      ['log.jsonl', '{"ts":1,"request_id":"a","assigned_arm":"current","features":{"amount":1}}\n', undefined, /^log\.jsonl is a prediction log: a reference has the features as its columns\. .*weeks_ago: 1/],
      ['log.csv', 'request_id,assigned_arm,features.amount\na,current,1\n', ['amount'], /^log\.csv is a prediction log/],
      ['train.txt', 'amount\n1\n', undefined, /^train\.txt: the ending must be \.jsonl, \.ndjson, \.csv or \.parquet: that of drift\.reference is another\.$/],
      ['named.csv', 'amount,kind\n1,a\n', ['amunt'], /^named\.csv has no column amunt: correct drift\.features, or the reference\. Did you mean "?amount/],
      ['named.csv', 'amount,kind\n1,a\n', ['zzzzzz'], /There are: amount, kind\.$/],
      ['named.csv', 'amount,kind\n1,a\n', ['kind', 'zzzzzz'], /has no column zzzzzz:/],
      ['blank.csv', 'amount,kind\n1,\n2,\n', ['amount', 'kind'], /^blank\.csv has nothing in its column kind, in no row: correct drift\.features, or the reference\.$/],
      ['blank.csv', 'amount,kind,other\n1,,nan\n2,,\n', ['kind', 'amount', 'other'], /^blank\.csv has nothing in its columns kind, other, in no row:/],
      ['blank.jsonl', '{"amount":1,"kind":null}\n{"amount":2}\n', ['kind'], /^blank\.jsonl has nothing in its column kind, in no row:/],
    ] as const) {
      writeFileSync(join(folder, name), text);
      await assert.rejects(read({}, name, features), { code: 'validation', message }, name);
    }
  });
});
