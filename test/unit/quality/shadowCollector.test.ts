import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { LabelDefinition } from '../../../src/core/quality/definitions.ts';
import { hash53, RecentMap } from '../../../src/core/quality/hashing.ts';
import { RecentAnswers, type Answer } from '../../../src/core/quality/recentAnswers.ts';
import { shadowReport } from '../../../src/core/quality/shadow.ts';
import { ShadowCollector, type SavedShadow } from '../../../src/core/quality/shadowCollector.ts';
import { seeded } from '../../support/guardSimulation.ts';

const GENERATION = 6;

describe('answers that wait for their partner', () => {
  it('are the same ones when they were saved in between, also of those that came twice or were forgotten', () => {
    const step = fc.record({ hash: fc.integer({ min: 1, max: 12 }), kind: fc.constantFrom('add', 'add', 'take', 'save'), label: fc.constantFrom(undefined, 'yes', 'no'), slices: fc.constantFrom([], ['a'], ['a', 'b']) });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const known = new RecentAnswers(GENERATION);
      let restarted = new RecentAnswers(GENERATION);
      for (const [index, { hash, kind, label, slices }] of steps.entries()) {
        const add = (answers: RecentAnswers): void => answers.add(hash, label === 'no' ? Number.NaN : index / 7, index % 18, label, [...slices], `id ${index}`);
        if (kind === 'save') restarted = new RecentAnswers(GENERATION, structuredClone(restarted.saved));
        else if (kind === 'add') [known, restarted].forEach(add);
        else {
          const [expected, found] = [known.take(hash), restarted.take(hash)];
          // The id is known of those that came since.
          assert.deepEqual(found, expected === undefined || found?.requestId !== undefined ? expected : { ...expected, requestId: undefined } satisfies Answer);
        }
        assert.equal(restarted.size, known.size);
      }
    }), { numRuns: 500 });
  });

  it('are saved without what was asked of those that were taken, and without ids', () => {
    const answers = new RecentAnswers(GENERATION);
    for (const [index, label] of ['first', 'second', 'second'].entries()) answers.add(index + 1, index + 0.5, 2, label, ['a'], `id ${index}`);
    answers.take(1);
    const { young } = answers.saved;
    assert.deepEqual([[...young.hashes], [...young.scores], young.labels?.values, [...young.labels?.places ?? []], young.slices?.values], [[1, 2, 3], [Number.NaN, 1.5, 2.5], ['second'], [0, 1, 1], [['a']]]);
    assert.doesNotMatch(JSON.stringify(answers.saved), /id|first/);
  });

  it('and decisions that wait for their outcome are in the same generations', () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.constantFrom('set', 'set', 'delete', 'save'));
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const known = new RecentMap<number>(GENERATION);
      let restarted = new RecentMap<number>(GENERATION);
      for (const [index, [key, kind]] of steps.entries()) {
        if (kind === 'save') restarted = new RecentMap(GENERATION, restarted.generations);
        for (const map of [known, restarted]) {
          if (kind === 'set') map.set(key, index);
          else if (kind === 'delete') map.delete(key);
        }
        for (let each = 1; each <= 12; each += 1) assert.equal(restarted.get(each), known.get(each));
      }
    }), { numRuns: 500 });
  });
});

describe('pairs of served and shadow answers', () => {
  const labels = { field: 'defaulted', threshold: 0.5 } as LabelDefinition;
  const id = (number: number): string => `r-${number}`;

  /** One of many steps of requests: served, shadow, outcome, in any order and with some missing. The first twenty differ most. */
  function* steps(seed: number, count: number): Generator<(collector: ShadowCollector) => void> {
    const random = seeded(seed);
    const waiting: ((collector: ShadowCollector) => void)[] = [];
    for (let number = 0; number < count; number += 1) {
      const [request, luck, score] = [hash53(id(number)), random(), random()];
      const slices = [`country ${Math.floor(random() * 3)}`, ...(luck < 0.5 ? ['young'] : [])];
      const label = luck < 0.1 ? 'approve' : undefined;
      const error = luck > 0.95 ? 'timeout' : undefined;
      const served = (collector: ShadowCollector): void => collector.addServed(request, label === undefined ? score : Number.NaN, label, luck > 0.98 ? error : undefined, luck < 0.2 ? 1 : undefined, slices);
      const far = 2 * (score > 0.5 ? -1 : 1);
      const shadow = (collector: ShadowCollector): void => collector.addShadow(request, id(number), label === undefined ? score + (number < 20 ? far : (random() - 0.5) / 10) : Number.NaN, label, error, undefined, []);
      const outcome = (collector: ShadowCollector): void => collector.addOutcome(request, random() < 0.3 ? 1 : 0);
      if (number < 20) {
        yield served;
        yield shadow;
        continue;
      }
      waiting.push(...[served, ...(luck < 0.7 || luck > 0.8 ? [shadow] : []), ...(luck < 0.6 ? [outcome] : [])]);
      while (waiting.length > 40) for (const each of waiting.splice(Math.floor(random() * waiting.length), 1)) yield each;
    }
  }

  for (const [name, every] of [['often', 37], ['seldom', 2500]] as const) {
    it(`are reported the same when they were saved ${name}`, () => {
      const known = new ShadowCollector(labels);
      let restarted = new ShadowCollector(labels);
      // Each number comes from one generator, so both are told the same ones.
      const requests = every < 100 ? 1500 : 9000;
      const [own, other] = [steps(5, requests), steps(5, requests)];
      let count = 0;
      for (const step of own) {
        step(known);
        const same = other.next();
        if (same.done !== true) same.value(restarted);
        count += 1;
        if (count % every === 0) restarted = new ShadowCollector(labels, { shadow: structuredClone<SavedShadow>(restarted.saved ?? assert.fail()) });
      }
      const [expected, found] = [known.pairs ?? assert.fail(), restarted.pairs ?? assert.fail()];
      assert.deepEqual(found, expected);
      assert.deepEqual(shadowReport(found), shadowReport(expected));
      assert.ok(!restarted.isIncomplete && expected.pairs > 500 && expected.agreed < expected.pairs && expected.errors > 5 && expected.unpaired > 0 && expected.examples.length === 10, JSON.stringify({ ...expected, served: [], shadow: [], differences: [] }));
      assert.ok(expected.labelled > 300 && expected.onlyServedRight > 0 && expected.onlyShadowRight > 0 && expected.slices.length === 4);
      // More than a sample holds.
      if (every > 100) assert.ok(expected.pairs > 5000 && expected.differences.length === 5000);
    });
  }

  it('hold a difference that is too large for a number', () => {
    const collector = new ShadowCollector(labels);
    collector.addServed(1, 1.7e308, undefined, undefined, undefined, []);
    collector.addShadow(1, id(1), -1.7e308, undefined, undefined, undefined, []);
    assert.deepEqual(collector.pairs?.examples, [{ requestId: 'r-1', served: '1.7e+308', shadow: '-1.7e+308', difference: Infinity }]);
    assert.deepEqual(JSON.parse(JSON.stringify(collector.saved?.examples)), [{ requestId: 'r-1', served: '1.7e+308', shadow: '-1.7e+308' }]);
    assert.deepEqual(new ShadowCollector(labels, { shadow: collector.saved }).pairs, collector.pairs);
  });

  it('need what was not saved: answers that were served before the first shadow, ids of examples', () => {
    const served = (collector: ShadowCollector, number: number, score: number): void => collector.addServed(number, score, undefined, undefined, undefined, []);
    const shadow = (collector: ShadowCollector, number: number, score: number): void => collector.addShadow(number, id(number), score, undefined, undefined, undefined, []);
    const first = new ShadowCollector(labels);
    served(first, 1, 0.5);
    assert.equal(first.saved, undefined);
    const without = new ShadowCollector(labels, { shadow: undefined });
    assert.equal(without.isIncomplete, false);
    shadow(without, 1, 0.5);
    assert.equal(without.isIncomplete, true);
    shadow(first, 1, 0.5);
    for (const number of [2, 3]) shadow(first, number, 0.1);
    const restarted = new ShadowCollector(labels, { shadow: first.saved });
    served(restarted, 2, 0.1);
    assert.deepEqual([restarted.pairs?.pairs, restarted.isIncomplete], [2, false]);
    // One of those that differ most, the id of which nobody knows here.
    served(restarted, 3, 0.2);
    assert.equal(restarted.isIncomplete, true);
    // Until it is none of them any more.
    for (let number = 10; number < 20; number += 1) {
      shadow(restarted, number, 0.1);
      served(restarted, number, 0.9);
    }
    assert.deepEqual([restarted.pairs?.pairs, restarted.isIncomplete], [13, false]);
  });
});
