import assert from 'node:assert/strict';
import { ByteTimes } from '../../../src/adapters/predictionLog/byteTimes.ts';
import { LineReader } from '../../../src/adapters/predictionLog/lineReader.ts';
import { LONGEST_BETWEEN } from '../../../src/adapters/predictionLog/lineShape.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { NO_TIME, RecordTimes } from '../../../src/core/quality/recordTimes.ts';
import { seeded } from '../../support/guardSimulation.ts';
import { records } from '../../support/qualityRecords.ts';

const IDS = new Set(['ts', 'request_id', 'unit_id', 'batch_id']);
const ALL = new Set(['batch_id', 'ts', 'request_id', 'unit_id', 'features', 'score', 'label', 'error', 'latency_ms', 'assigned_arm', 'a', 'b']);

/** What a reader makes of a line; ids and times that it read apart are put back, as `drawn`. */
function read(reader: LineReader, line: string): unknown {
  const bytes = Buffer.concat([Buffer.from(`${line}\n`), Buffer.alloc(LONGEST_BETWEEN + 64)]);
  reader.take(bytes);
  const value = reader.read(0);
  assert.equal(reader.end, Buffer.byteLength(line) + 1, line);
  if (!reader.isDrawn) return value;
  return { ...value as object, drawn: { request: reader.request, unit: reader.unit, time: reader.time } };
}

/** What JSON.parse makes of a line, but for whole numbers beyond 2^53 in the record itself, whose digits count. */
function parsed(line: string): Record<string, unknown> {
  const written = (name: string): string | undefined => [...line.matchAll(new RegExp(`"${name}": ?(-?\\d+)(?=[,}])`, 'g'))].at(-1)?.[1];
  const isBeyond = (value: unknown): boolean => Number.isInteger(value) && !Number.isSafeInteger(value);
  return Object.fromEntries(Object.entries(JSON.parse(line) as Record<string, unknown>).map(([name, value]) => [name, isBeyond(value) ? written(name) ?? assert.fail(line) : value]));
}

/** The same, in the fields that are wanted. */
function expected(line: string, fields: ReadonlySet<string>, isDrawn: boolean): unknown {
  const value = parsed(line);
  const wanted = Object.fromEntries(Object.entries(value).filter(([name]) => fields.has(name) && !(isDrawn && IDS.has(name))));
  if (!isDrawn) return wanted;
  const hash = (id: unknown): number => (Number.isFinite(id) || (typeof id === 'string' && id !== '') ? hash53(String(id)) : 0);
  return { ...wanted, drawn: { request: hash(value['request_id']), unit: hash(value['batch_id']) || hash(value['unit_id']), time: new RecordTimes().of(value['ts']) } };
}

describe('the reader of lines', () => {
  const wantedOf = (value: unknown, fields: ReadonlySet<string>): unknown => Object.fromEntries(Object.entries(value as object).filter(([name]) => fields.has(name) || name === 'drawn'));

  it('gives what JSON.parse gives, whatever stands in a line', () => {
    const random = seeded(5);
    const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] ?? assert.fail();
    const values = ['0', '-0', '0.5', '-0.25', '1e-05', '1E+3', '123456789012345', '1234567890123456789', '-1234567890123456789', '0.30000000000000004', '0.1234567890123', '-12.75', '9007199254740993', `0.${'3'.repeat(80)}`, '1e999', 'null', 'true', 'false', '""', '"x"', '"x"', '"xy"', `"${'long '.repeat(30)}"`, '"a b, }"', '"\\n"', '"\u00e4\u2028"', '"\ud83d\ude00"', '"\\u0041"', '"2026-03-02T10:00:59.25Z"', '"2026-03-02T10:00:5xZ"', '"2026-03-02T10:00:00+02:00"', '[]', '[1, 2]', '{}', '{"deep": 1}'];
    const scalars = values.slice(0, -4);
    let drawn = 0;
    for (const asWritten of [false, true]) {
      for (const [comma, colon] of [[',', ':'], [', ', ': ']] as const) {
        const reader = new LineReader({ fields: ALL, features: undefined, listed: undefined, asWritten });
        for (let round = 0; round < 6000; round += 1) {
          const object = (names: readonly string[], inner: readonly string[]): string => `{${names.map((name) => `"${name}"${colon}${pick(inner)}`).join(comma)}}`;
          const names = pick([['ts', 'score', 'unwanted', 'error'], ['ts', 'score', 'unwanted', 'error'], ['request_id', 'label', 'batch_id', 'unit_id'], ['a', 'score'], ['score', 'a', 'score']]);
          const line = object(names, random() < 0.7 ? scalars : [...values, object(['amount', 'country'], scalars)]);
          const found = read(reader, line);
          if (reader.isDrawn) drawn += 1;
          assert.deepEqual(wantedOf(found, ALL), expected(line, ALL, reader.isDrawn), line);
          if (reader.isDrawn && reader.request !== 0) assert.equal(reader.requestId(), String(parsed(line)['request_id']));
        }
      }
    }
    assert.ok(drawn > 4000, `only ${drawn} lines were read by their shape`);
  });

  it('refuses what JSON.parse refuses, and knows where the next line begins', () => {
    for (const asWritten of [false, true]) {
      const reader = new LineReader({ fields: ALL, features: undefined, listed: undefined, asWritten });
      for (const good of ['{"score":0.5,"label":"a","ts":1}', '{"score":0.75,"label":"b","ts":2}']) read(reader, good);
      for (const wrong of ['"score":01,"label":"a"', '"score":1.,"label":"a"', '"score":.5,"label":"a"', '"score":-,"label":"a"', '"score":1.2.3,"label":"a"', '"score":NaN,"label":"a"', '"score":0.5,"label":"a', '"score":0.5,"label":"a\tb"', '"score":,"label":"a"', '"score":1e,"label":"a"', '"score":--1,"label":"a"', '"score":0.5,"label":tru'].map((inner) => `{${inner},"ts":3}`)
        .concat(['{"score":0.5,"label":"a","ts":3', '{"score":0.5,"label":"a","ts":3}}', '{"score":0.5,"label":"a","ts":3} x', '{"score":0.5,"label":"a","ts":"3}', '{"score":0.5,"label":"a","ts":"3\\"}'])) {
        assert.throws(() => JSON.parse(wrong) as unknown, wrong);
        assert.throws(() => read(reader, wrong), SyntaxError, wrong);
        assert.equal(reader.end, Buffer.byteLength(wrong) + 1);
        assert.equal(reader.line(0), wrong);
      }
    }
  });

  it('gives what JSON.parse gives where values stay the same for long, and then do not', () => {
    const random = seeded(11);
    const listed = ['amount', 'country', 'never'];
    const features = new Set(listed);
    const reader = new LineReader({ fields: ALL, features, listed, asWritten: false });
    const kinds = { a: ['"production"', 'null', '1', '1.0', '"ä"'], b: ['true', 'false', '{}'], error: ['null', 'null', '"time-out"'], country: ['"DE"', 'null', '"PL"'] };
    const now: Record<string, string> = { a: '"production"', b: 'true', error: 'null', country: '"DE"' };
    let drawn = 0;
    for (let round = 0; round < 8000; round += 1) {
      // Mostly a value that stays, sometimes one for a line, and now and then another that stays.
      const pick = (name: keyof typeof kinds): string => kinds[name][Math.floor(random() * kinds[name].length)] ?? assert.fail();
      for (const name of ['a', 'b', 'error', 'country'] as const) if (random() < 0.001) now[name] = pick(name);
      const of = (name: keyof typeof kinds): string => (random() < 0.005 ? pick(name) : now[name] ?? assert.fail());
      const amount = random() < 0.3 ? '10' : String(Math.floor(random() * 1000) / 10);
      const line = `{"a":${of('a')},"score":${Math.floor(random() * 100) / 100},"b":${of('b')},"features":{"amount":${amount},"other":3,"country":${of('country')}},"error":${of('error')}}`;
      const found = read(reader, line);
      const { features: inLine, ...rest } = JSON.parse(line) as { features: Record<string, unknown> };
      if (!reader.isDrawn) {
        assert.deepEqual(found, { ...rest, features: inLine }, line);
        continue;
      }
      drawn += 1;
      const others = { ...found as object, features: undefined };
      assert.deepEqual([others, reader.features?.map((value) => value ?? null)], [{ ...rest, features: undefined, drawn: { request: 0, unit: 0, time: Number.NaN } }, listed.map((name) => inLine[name] ?? null)], line);
    }
    assert.ok(drawn > 7000, `only ${drawn} lines were read by their shape`);
  });

  it('tells a time that is a mapping, as exports of MongoDB have it, from one that is missing', () => {
    const reader = new LineReader({ fields: ALL, features: undefined, listed: undefined, asWritten: false });
    for (const second of [1, 2, 3]) {
      const found = read(reader, `{"ts":{"$date":"2026-03-02T10:00:0${second}Z"},"request_id":"r${second}","score":0.5}`) as { readonly ts?: unknown };
      assert.equal(reader.isDrawn ? reader.time : new RecordTimes().of(found.ts), NO_TIME);
    }
  });

  it('learns of lines that are alike also after many that are not', () => {
    const reader = new LineReader({ fields: ALL, features: undefined, listed: undefined, asWritten: false });
    for (let number = 0; number < 300; number += 1) read(reader, `{"ts":${number},"a${number}":1}`);
    assert.equal(reader.isDrawn, false);
    for (let number = 0; number < 1001; number += 1) read(reader, `{"ts":1772445600,"score":${number}}`);
    assert.equal(reader.isDrawn, true);
  });

  it('leaves out what nobody wants', () => {
    const reader = new LineReader({ fields: new Set(['score', 'features']), features: new Set(['age']), listed: undefined, asWritten: false });
    const [first, second] = records({ count: 2 }).map((record) => JSON.stringify(record));
    read(reader, first ?? '');
    const { score, features } = records({ count: 2 })[1] ?? assert.fail();
    assert.deepEqual(read(reader, second ?? ''), { features: { age: features.age }, score, drawn: { request: 0, unit: 0, time: Number.NaN } });
  });
});

describe('times of records', () => {
  it('are read as Date.parse reads them, and in UTC where they name no zone', () => {
    const times = new RecordTimes();
    for (const text of ['2026-03-02T10:00:00Z', '2026-03-02T10:00:00.5Z', '2026-03-02T23:59:59.999Z', '2026-03-03T00:00:00.123456+00:00', '2024-02-29T12:34:56.789012Z', '2026-03-02T10:00:00+02:00', '2026-03-02', '2026-03-02T10:00Z', '2026-03-02T10:00:00.123-05:30', '2000-01-01T00:00:00Z', '2099-12-31T23:59:59Z']) assert.equal(times.of(text), Date.parse(text), text);
    for (const [text, same] of [['2026-03-02T10:00:00', '2026-03-02T10:00:00Z'], ['2026-03-02 10:00:00', '2026-03-02T10:00:00Z'], ['2026-03-02 10:00:00.123456', '2026-03-02T10:00:00.123Z'], ['2026-03-02 10:00', '2026-03-02T10:00Z'], ['2026-03-02 10:00:00+00', '2026-03-02T10:00:00Z'], ['2026-03-02 10:00:00-0530', '2026-03-02T10:00:00-05:30'], ['2026-03-02 10:00:00 UTC', '2026-03-02T10:00:00Z'], ['2026-03-02t10:00:00,25z', '2026-03-02T10:00:00.25Z'], ['2026-03-02 10:00:00 +02:00', '2026-03-02T10:00:00+02:00']] as const) assert.equal(times.of(text), Date.parse(same), text);
    assert.deepEqual([1.7e9, 1.7e12, 1.7e15, 1.7e18, '1700000000', 1_700_000_000_000_000_000n, new Date(1.7e12)].map((value) => times.of(value)), new Array(7).fill(1.7e12));
  });

  it('are those of the years 2000 to 2099 and nothing else', () => {
    const times = new RecordTimes();
    const odd = ['2026-13-02T10:00:00Z', '2026-02-30T10:00:00Z', '2026-02-30', '2026-03-02T10:61:00Z', '2026-03-02T24:00:00Z', '2026-03-02T1a:00:00Z', '2026-03-02T10:00:00.Z', '2026-03-02T10:00:00 CET', 'yesterday', 'Order 66', 'foo 1', '5', 'Mon, 02 Mar 2026 10:00:00 GMT', '03/02/2026', '2026', '2026-03', '0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '1999-12-31T23:59:59Z', '2100-01-01'];
    for (const value of [...odd, {}, [], true, 0, -5, 5, 20_260_302, 1e30, Number.POSITIVE_INFINITY, -1.7e12, new Date(0), new Date(Number.NaN)]) assert.equal(times.of(value), NO_TIME, JSON.stringify(value));
    for (const value of [null, undefined, '', ' ', Number.NaN]) assert.ok(Number.isNaN(times.of(value)), String(value));
    const bytes = new ByteTimes();
    for (const text of odd) assert.equal(bytes.read(Buffer.from(`"${text}"`), 1), NO_TIME, text);
  });

  it('are read from bytes as from texts', () => {
    const times = new ByteTimes();
    const random = seeded(9);
    const digits = '00123459T:.Z+- x';
    let usual = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const right = `2026-03-02${random() < 0.9 ? 'T' : ' '}10:0${Math.floor(random() * 2)}:${String(Math.floor(random() * 60)).padStart(2, '0')}${['', '.5', '.25', '.123', '.123456', '.1234567', '.'][Math.floor(random() * 7)] ?? ''}${['Z', '+00:00', '', '+02:00'][Math.floor(random() * 4)] ?? ''}`;
      const at = Math.floor(random() * right.length);
      const text = random() < 0.6 ? right : right.slice(0, at) + (digits[Math.floor(random() * digits.length)] ?? '') + right.slice(at + Math.floor(random() * 2));
      const time = times.read(Buffer.from(`x"${text}",yyyyyy`), 2);
      assert.deepEqual([time, times.end], [new RecordTimes().of(text), text.length + 3], text);
      if (Number.isFinite(time)) usual += 1;
    }
    assert.ok(usual > 11_000);
  });
});
