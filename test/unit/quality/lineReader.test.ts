import assert from 'node:assert/strict';
import { LineReader } from '../../../src/adapters/predictionLog/lineReader.ts';
import { RecordTimes } from '../../../src/core/quality/recordTimes.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { records } from '../../support/qualityRecords.ts';

const ALL = new Set(['ts', 'request_id', 'unit_id', 'features', 'score', 'label', 'error', 'latency_ms', 'assigned_arm', 'a', 'b']);

describe('the reader of lines', () => {
  /** What JSON.parse makes of a line, in the fields that are wanted. */
  function expected(line: string, fields: ReadonlySet<string>): unknown {
    const value = JSON.parse(line) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(value).filter(([name]) => fields.has(name)));
  }
  const wantedOf = (value: unknown, fields: ReadonlySet<string>): unknown => Object.fromEntries(Object.entries(value as object).filter(([name]) => fields.has(name)));

  it('gives what JSON.parse gives, whatever stands in a line', () => {
    const random = seeded(5);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] ?? assert.fail();
    const values = ['0', '-0', '0.5', '-0.25', '1e-05', '1E+3', '123456789012345', '1234567890123456789', '0.30000000000000004', '0.1234567890123', '-12.75', '9007199254740993', 'null', 'true', 'false', '""', '"x"', '"a b, }"', '"\\n"', '"ä\u2028"', '"\\u0041"', '[]', '[1, 2]', '{}', '{"deep": 1}'];
    for (const [comma, colon] of [[',', ':'], [', ', ': ']] as const) {
      const reader = new LineReader({ fields: ALL, features: undefined });
      for (let round = 0; round < 4000; round += 1) {
        const object = (names: readonly string[], inner: readonly string[]): string => `{${names.map((name) => `"${name}"${colon}${pick(inner)}`).join(comma)}}`;
        const names = pick([['ts', 'score', 'unwanted', 'error'], ['ts', 'score', 'unwanted', 'error'], ['request_id', 'label'], ['a', 'score'], ['score', 'a', 'score']]);
        const line = object(names, [...values, object(['amount', 'country'], values.slice(0, 21))]);
        assert.deepEqual(wantedOf(reader.read(line), ALL), expected(line, ALL), line);
      }
    }
  });

  it('refuses what JSON.parse refuses', () => {
    const reader = new LineReader({ fields: ALL, features: undefined });
    for (const good of ['{"score":0.5,"label":"a"}', '{"score":0.75,"label":"b"}']) reader.read(good);
    for (const wrong of ['{"score":01,"label":"a"}', '{"score":1.,"label":"a"}', '{"score":.5,"label":"a"}', '{"score":-,"label":"a"}', '{"score":1.2.3,"label":"a"}', '{"score":NaN,"label":"a"}', '{"score":0.5,"label":"a', '{"score":0.5,"label":"a"', '{"score":0.5,"label":"a"}}', '{"score":0.5,"label":"a"} x', '{"score":0.5,"label":"a\tb"}', '{"score":,"label":"a"}', '{"score":1e,"label":"a"}', '{"score":--1,"label":"a"}']) {
      assert.throws(() => JSON.parse(wrong) as unknown, wrong);
      assert.throws(() => reader.read(wrong), wrong);
    }
  });

  it('leaves out what nobody wants', () => {
    const reader = new LineReader({ fields: new Set(['score', 'features']), features: new Set(['age']) });
    const [first, second] = records({ count: 2 }).map((record) => JSON.stringify(record));
    reader.read(first ?? '');
    const { score, features } = records({ count: 2 })[1] ?? assert.fail();
    assert.deepEqual(reader.read(second ?? ''), { features: { age: features.age }, score });
  });
});

describe('times of records', () => {
  it('are read as Date.parse reads them', () => {
    const times = new RecordTimes();
    for (const text of ['2026-03-02T10:00:00Z', '2026-03-02T10:00:00.5Z', '2026-03-02T23:59:59.999Z', '2026-03-03T00:00:00.123456+00:00', '2024-02-29T12:34:56.789012Z', '2026-03-02T10:00:00+02:00', '2026-03-02 10:00:00', '2026-03-02', '2026-03-02T10:00:00']) assert.equal(times.of(text), Date.parse(text), text);
    for (const text of ['2026-13-02T10:00:00Z', '2026-03-02T10:61:00Z', '2026-03-02T1a:00:00Z', 'yesterday', '', '2026-03-02T10:00:00.Z', null, {}]) assert.ok(Number.isNaN(times.of(text)), JSON.stringify(text));
    assert.deepEqual([1.7e9, 1.7e12, 1.7e15, 1.7e18, '1700000000'].map((value) => times.of(value)), [1.7e12, 1.7e12, 1.7e12, 1.7e12, 1.7e12]);
  });
});
