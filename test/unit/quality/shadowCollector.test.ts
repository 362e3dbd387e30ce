import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality, type LabelDefinition } from '../../../src/core/quality/definitions.ts';
import { DrawnSlots } from '../../../src/core/quality/drawnSlots.ts';
import { hash53 } from '../../../src/core/quality/hashing.ts';
import { blocksText } from '../../../src/core/quality/reportText.ts';
import { shadowReport, type ShadowReport } from '../../../src/core/quality/shadow.ts';
import { ShadowCollector, type LoggedAnswer, type LoggedShadow, type SavedShadow } from '../../../src/core/quality/shadowCollector.ts';
import { shadowBlocks } from '../../../src/core/quality/shadowText.ts';
import { WaitingAnswers, type Answer, type Side } from '../../../src/core/quality/waitingAnswers.ts';
import type { ShadowPairs } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';

const labels = { field: 'defaulted', threshold: 0.5 } as LabelDefinition;
const id = (number: number): string => `r-${number}`;
const NOTHING: Omit<LoggedAnswer, 'request'> = { environment: 'production', score: Number.NaN, label: undefined, error: undefined, outcome: undefined, slices: [], at: 0 };

function served(collector: ShadowCollector, number: number, given: Partial<LoggedAnswer>): void {
  const request = hash53(id(number));
  if (collector.follows(request)) collector.addServed({ ...NOTHING, request, ...given });
}

function shadow(collector: ShadowCollector, number: number, given: Partial<LoggedShadow>): void {
  collector.addShadow({ ...NOTHING, request: hash53(id(number)), requestId: id(number), version: '', at: 0, dropped: 0, ...given });
}

function told(collector: ShadowCollector): ShadowPairs {
  return collector.pairs?.[0] ?? assert.fail('no pairs');
}

function words(report: ShadowReport): string {
  return blocksText(shadowBlocks(report), false);
}

describe('answers that wait for their partner', () => {
  const MOST = 6;

  it('are the same ones when they were saved in between, also of those that came twice, were drawn out or forgotten', () => {
    const step = fc.record({ number: fc.integer({ min: 1, max: 30 }), kind: fc.constantFrom('served', 'served', 'shadow', 'outcome', 'take', 'settle', 'save'), label: fc.constantFrom(undefined, 'yes', 'no'), slices: fc.constantFrom([], ['a'], ['a', 'b']) });
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const known = new WaitingAnswers(MOST, () => undefined);
      let restarted = new WaitingAnswers(MOST, () => undefined);
      // Until something was looked for, those that come twice are waited for twice: the log has told them apart before.
      const look = (answers: WaitingAnswers): void => void answers.take(1, 'shadow');
      for (const answers of [known, restarted]) look(answers);
      for (const [index, { number, kind, label, slices }] of steps.entries()) {
        const request = hash53(id(number));
        if (kind === 'save') {
          restarted = new WaitingAnswers(MOST, () => undefined, structuredClone(restarted.saved));
          look(restarted);
        }
        for (const side of ['served', 'shadow'] as const) {
          if (kind !== 'take') continue;
          const [expected, found] = [known.take(request, side), restarted.take(request, side)];
          // The id is known of those that came since.
          assert.deepEqual(found, expected === undefined || found?.requestId !== undefined ? expected : { ...expected, requestId: undefined } satisfies Answer);
        }
        const isFollowed = known.follows(request);
        assert.equal(restarted.follows(request), isFollowed);
        for (const answers of [known, restarted]) {
          if (kind === 'settle') answers.settle();
          else if (!isFollowed) continue;
          else if (kind === 'outcome') answers.addOutcome(request, index % 2 === 0, index % 5, 2);
          else if (kind === 'served' || kind === 'shadow') answers.add(request, kind, { score: label === 'no' ? Number.NaN : index / 7, error: index % 5 === 0, outcome: index % 3 === 0 ? true : null, told: index % 7, limit: index % 4, label, slices: [...slices], environment: index % 3, version: 1, requestId: kind === 'served' ? undefined : id(number) });
        }
        assert.deepEqual([restarted.level, restarted.unpaired], [known.level, known.unpaired]);
      }
    }), { numRuns: 500 });
  });

  it('are the same ones when they were looked for only later', () => {
    const step = fc.record({ isSettled: fc.constantFrom(false, false, false, true), label: fc.constantFrom(undefined, 'yes'), slices: fc.constantFrom([], ['a']) });
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const [early, late] = [new WaitingAnswers(MOST, () => undefined), new WaitingAnswers(MOST, () => undefined)];
      early.take(0, 'shadow');
      const all = steps.map((_, number) => hash53(id(number)));
      const add = (answers: WaitingAnswers, number: number): void => {
        const [request = 0, { label, slices = [] } = {}] = [all[number], steps[number]];
        if (answers.follows(request)) answers.add(request, 'served', { score: number, error: false, outcome: null, told: 0, limit: 0, label, slices: [...slices], environment: number % 3, version: 0, requestId: undefined });
      };
      for (const [number, { isSettled }] of steps.entries()) {
        for (const answers of [early, late]) {
          if (isSettled) answers.settle();
          else add(answers, number);
        }
        assert.equal(late.level, early.level);
      }
      assert.deepEqual(all.map((request) => late.take(request, 'served')), all.map((request) => early.take(request, 'served')));
    }), { numRuns: 300 });
  });

  it('take the last one where one comes again before any was looked for', () => {
    const answers = new WaitingAnswers(MOST, () => undefined);
    const parts = { error: false, outcome: null, told: 0, limit: 0, slices: [], environment: 0, version: 0, requestId: undefined };
    for (const [request, score, label] of [[1, 1, 'a'], [2, 2, 'b'], [1, 3, undefined], [3, 4, undefined]] as const) answers.add(request, 'served', { ...parts, score, label });
    assert.deepEqual([1, 2, 3].map((request) => answers.take(request, 'served')).map((answer) => [answer?.score, answer?.label]), [[3, undefined], [2, 'b'], [4, undefined]]);
  });

  it('are saved without ids, and without what was asked of those that were taken', () => {
    const answers = new WaitingAnswers(MOST, () => assert.fail());
    for (const [index, label] of ['first', 'second', 'second'].entries()) answers.add(index + 1, 'shadow', { score: index + 0.5, error: false, outcome: null, told: 0, limit: 0, label, slices: ['a'], environment: 0, version: 0, requestId: `id ${index}` });
    answers.take(1, 'shadow');
    const { requests, scores, labels: names, slices, unpaired } = answers.saved;
    assert.deepEqual([[...requests], [...scores], names?.values, [...names?.places ?? []], slices?.values, unpaired], [[2, 3], [1.5, 2.5], ['second'], [1, 1], [['a']], [2]]);
    assert.doesNotMatch(JSON.stringify(answers.saved), /id |first/);
  });

  it('forget what waited longest where hashes are as somebody chose them, so that drawing would drop none', () => {
    for (const isIndexed of [false, true]) {
      const slots: DrawnSlots = new DrawnSlots(10, { dropped: () => undefined, moved: () => undefined });
      if (isIndexed) slots.find(1);
      // All of them small: each is one of every 2, 4, 8...
      for (let request = 1; request <= 30; request += 1) {
        if (slots.append(request) === undefined) slots.add(request);
        slots.makeRoom();
      }
      assert.deepEqual(slots.inOrder(), Array.from({ length: 10 }, (_, index) => 21 + index));
    }
  });

  it('are drawn by their ids when there are too many, and the newest are kept once all is read', () => {
    const [out, slots] = [new Set<boolean>(), new DrawnSlots(100, { dropped: (_: number, isDrawnOut: boolean) => { out.add(isDrawnOut); }, moved: () => undefined })];
    const add = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => hash53(id(from + index))).filter((request) => {
      if (!slots.follows(request)) return false;
      slots.add(request);
      slots.makeRoom();
      return true;
    });
    const all = add(0, 1000);
    assert.ok(slots.level === 16 || slots.level === 8, String(slots.level));
    assert.deepEqual(slots.inOrder(), all.filter((request) => slots.follows(request)));
    assert.ok(slots.size > 30 && slots.size <= 100);
    assert.deepEqual([...out], [true]);
    const newest = slots.inOrder().slice(-25);
    const { level } = slots;
    slots.settle();
    assert.deepEqual([slots.inOrder(), slots.level, [...out]], [newest, level / 2, [true, false]]);
    for (let look = 0; look < 5; look += 1) slots.settle();
    assert.equal(slots.level, 1);
    // All of them again.
    assert.equal(add(2000, 2070).length, 70);
    slots.settle();
    assert.deepEqual(slots.inOrder(), [...newest, ...add(0, 0), ...Array.from({ length: 70 }, (_, index) => hash53(id(2000 + index)))].slice(-50));
  });
});

describe('pairs of served and shadow answers', () => {
  /** One of many steps of requests: served, shadow, outcome, in any order and with some missing. The first sixty differ most. */
  function* steps(seed: number, count: number): Generator<(collector: ShadowCollector) => void> {
    const random = seeded(seed);
    const waiting: ((collector: ShadowCollector) => void)[] = [];
    for (let number = 0; number < count; number += 1) {
      const [luck, score] = [random(), random()];
      const slices = [`country ${Math.floor(random() * 3)}`, ...(luck < 0.5 ? ['young'] : [])];
      const isFar = number < 60;
      const [environment, version] = [(isFar ? number % 2 === 0 : random() < 0.2) ? 'staging' : 'production', (isFar ? number % 4 < 2 : random() < 0.1) ? '14' : '15'];
      const label = luck < 0.1 ? 'approve' : undefined;
      const error = luck > 0.95 ? 'timeout' : undefined;
      const own = (collector: ShadowCollector): void => served(collector, number, { environment, score: label === undefined ? score : Number.NaN, label, error: luck > 0.98 ? error : undefined, outcome: luck < 0.2 ? 1 : undefined, slices });
      const near = Math.min(1, Math.max(0, score + (isFar ? (score > 0.5 ? -0.3 : 0.3) : (random() - 0.5) / 10)));
      const other = (collector: ShadowCollector): void => shadow(collector, number, { environment: luck < 0.5 ? environment : '', version, at: number + (version === '15' ? 100_000 : 0), score: label === undefined ? near : Number.NaN, label, error });
      const outcome = (collector: ShadowCollector): void => collector.addOutcome(hash53(id(number)), random() < 0.3 ? 1 : 0, Number.NaN);
      if (isFar) {
        yield own;
        yield other;
        continue;
      }
      waiting.push(...[own, ...(luck < 0.7 || luck > 0.8 ? [other] : []), ...(luck < 0.6 ? [outcome] : [])]);
      while (waiting.length > 40) for (const each of waiting.splice(Math.floor(random() * waiting.length), 1)) yield each;
    }
  }

  for (const [name, every, most] of [['often', 37, 500_000], ['seldom', 2500, 500_000], ['often, where more wait than can be kept', 37, 60]] as const) {
    it(`are reported the same when they were saved ${name}`, () => {
      const known = new ShadowCollector(labels, undefined, most);
      let restarted = new ShadowCollector(labels, undefined, most);
      // Each number comes from one generator, so both are told the same ones.
      const requests = every < 100 ? 3000 : 12_000;
      const [own, other] = [steps(5, requests), steps(5, requests)];
      let count = 0;
      for (const step of own) {
        step(known);
        const same = other.next();
        if (same.done !== true) same.value(restarted);
        count += 1;
        if (count % 400 === 0) for (const each of [known, restarted]) each.settle();
        if (count % every === 0) restarted = new ShadowCollector(labels, { shadow: structuredClone<SavedShadow>(restarted.saved ?? assert.fail()) }, most);
      }
      assert.deepEqual(restarted.pairs, known.pairs);
      const [expected = assert.fail(), staging] = known.pairs ?? assert.fail();
      assert.deepEqual(shadowReport(told(restarted)), shadowReport(expected));
      assert.ok(!restarted.isIncomplete && expected.pairs > 500 && expected.agreed < expected.pairs && expected.errors > 5 && expected.unpaired > 0 && expected.examples.length === 10, JSON.stringify({ ...expected, served: [], shadow: [], differences: [] }));
      assert.ok(expected.labelled > 300 && expected.onlyServedRight > 0 && expected.onlyShadowRight > 0 && expected.slices.length === 4);
      assert.deepEqual([expected.environment, expected.version, staging?.environment, expected.oneIn > 1], ['production', '15', 'staging', most < 1000]);
      // More than a sample holds.
      if (every > 100) assert.ok(expected.pairs > 5000 && expected.differences.length === 5000);
    });
  }

  it('hold a difference that is too large for a number', () => {
    const collector = new ShadowCollector(labels);
    served(collector, 1, { score: 1.7e308 });
    shadow(collector, 1, { score: -1.7e308 });
    assert.deepEqual(collector.pairs?.[0]?.examples, [{ requestId: 'r-1', served: '1.7e+308', shadow: '-1.7e+308', difference: Infinity }]);
    assert.deepEqual(JSON.parse(JSON.stringify(collector.saved?.pairs[0]?.counted.examples)), [{ requestId: 'r-1', served: '1.7e+308', shadow: '-1.7e+308' }]);
    assert.deepEqual(new ShadowCollector(labels, { shadow: collector.saved }).pairs, collector.pairs);
  });

  it('need what was not saved: answers that were served before the first shadow, ids of examples', () => {
    const first = new ShadowCollector(labels);
    served(first, 1, { score: 0.5 });
    assert.equal(first.saved, undefined);
    const without = new ShadowCollector(labels, { shadow: undefined });
    assert.equal(without.isIncomplete, false);
    shadow(without, 1, { score: 0.5 });
    assert.equal(without.isIncomplete, true);
    shadow(first, 1, { score: 0.5 });
    for (const number of [2, 3]) shadow(first, number, { score: 0.1 });
    const restarted = new ShadowCollector(labels, { shadow: first.saved });
    served(restarted, 2, { score: 0.1 });
    assert.deepEqual([told(restarted).pairs, restarted.isIncomplete], [2, false]);
    // One of those that differ most, the id of which nobody knows here.
    served(restarted, 3, { score: 0.2 });
    assert.equal(restarted.isIncomplete, true);
    // Until it is none of them any more.
    for (let number = 10; number < 20; number += 1) {
      shadow(restarted, number, { score: 0.1 });
      served(restarted, number, { score: 0.9 });
    }
    assert.deepEqual([told(restarted).pairs, restarted.isIncomplete], [13, false]);
  });

  it('takes a whole number for a class where the other side has such a class', () => {
    const agreement = (pairs: readonly (readonly [Partial<LoggedAnswer>, Partial<LoggedShadow>])[]): readonly number[] => {
      const collector = new ShadowCollector(labels);
      for (const [number, [one, other]] of pairs.entries()) {
        served(collector, number, one);
        shadow(collector, number, other);
      }
      const { pairs: both, decided, agreed } = told(collector);
      return [both, decided, agreed];
    };
    const classes = Array.from({ length: 40 }, (_, index) => index % 4);
    assert.deepEqual(agreement(classes.map((label) => [{ label }, { score: label }])), [40, 40, 40]);
    assert.deepEqual(agreement(classes.map((label) => [{ label: `${label}.0` }, { score: label }])), [40, 40, 40]);
    assert.deepEqual(agreement(classes.map((label) => [{ score: label }, { label: String(label) }])), [40, 40, 40]);
    // A class that is 3 is no other class by a threshold, and 1 is not 3.
    assert.deepEqual(agreement(classes.map((label) => [{ label }, { score: 3 }])), [40, 40, 10]);
    // Probabilities go by the threshold, where the other side decides; other classes are no numbers.
    assert.deepEqual(agreement([[{ label: 1 }, { score: 0.7 }], [{ label: 0 }, { score: 0.7 }], [{ label: 1 }, { score: 1 }], [{ label: 'true' }, { score: 0 }], [{ label: 'approve' }, { score: 2 }], [{ score: 2 }, { score: 3 }]]), [6, 4, 2]);
  });

  it('are of requests drawn by their ids where more wait than can be kept, which is said, and stand for all', () => {
    const collector = new ShadowCollector(labels, undefined, 1000);
    // As in two files, one after the other; the first half of the shadow's answers are all others.
    for (let number = 0; number < 6000; number += 1) served(collector, number, { score: (number % 100) / 100 + 0.001 });
    for (let number = 0; number < 6000; number += 10) shadow(collector, number, { score: number < 3000 ? 0.999 - (number % 100) / 100 : (number % 100) / 100 + 0.001 });
    const { pairs, agreed, unpaired, oneIn } = told(collector);
    assert.equal(oneIn, 8);
    assert.ok(Math.abs(pairs - 600 / 8) < 30 && Math.abs(agreed / pairs - 0.5) < 0.15 && unpaired === 0, JSON.stringify({ pairs, agreed, unpaired }));
    assert.match(words(shadowReport(told(collector))), /one request in 8 was followed, drawn by its id, and all counts are of those\./);
    // What is served and no shadow ever comes for does not make those that come later fewer for ever.
    for (let look = 0; look < 4; look += 1) collector.settle();
    for (let number = 10_000; number < 10_200; number += 1) {
      served(collector, number, { score: 0.2 });
      shadow(collector, number, { score: 0.2 });
    }
    assert.equal(told(collector).pairs, pairs + 200);
  });

  it('are not of what has waited longest when a collector was asked for its data', () => {
    const collector = new Collector(readQuality({}).quality ?? assert.fail(), { flags: ['f'] });
    const add = (number: number, role: string): void => collector.add({ ts: 1_772_445_600_000, request_id: number, flag: 'f', assigned_arm: role === 'shadow' ? 'candidate' : 'current', role, score: 0.5 }, () => 'record');
    const count = 380_000;
    for (let number = 1; number <= count; number += 1) add(number, 'serving');
    collector.data(1_772_445_600_000, []);
    for (const number of [1, 100_000, 200_000, count]) add(number, 'shadow');
    const [found] = collector.data(1_772_445_600_000, []).shadow ?? [];
    assert.deepEqual([found?.pairs, found?.unpaired, found?.oneIn], [2, 2, 1]);
  });

  it('say nothing of drawing where no shadow answer was passed over', () => {
    const collector = new ShadowCollector(labels, undefined, 1000);
    for (let number = 0; number < 6000; number += 1) served(collector, number, { score: 0.5 });
    for (let look = 0; look < 4; look += 1) collector.settle();
    for (let number = 10_000; number < 10_100; number += 1) {
      shadow(collector, number, { score: 0.2 });
      served(collector, number, { score: 0.2 });
    }
    assert.deepEqual([told(collector).pairs, told(collector).oneIn, told(collector).labelledOneIn], [100, 1, 1]);
  });

  it('follow to their outcome what can be kept, and say how many that are', () => {
    const collector = new ShadowCollector(labels, undefined, 500);
    for (let number = 0; number < 2000; number += 1) {
      served(collector, number, { score: 0.2 });
      shadow(collector, number, { score: 0.8 });
    }
    for (let number = 0; number < 2000; number += 1) collector.addOutcome(hash53(id(number)), number % 4 === 0, Number.NaN);
    const { pairs, oneIn, labelledOneIn, labelled, onlyServedRight, onlyShadowRight } = told(collector);
    assert.deepEqual([pairs, oneIn, onlyServedRight + onlyShadowRight], [2000, 1, labelled]);
    assert.ok([4, 8].includes(labelledOneIn) && Math.abs(labelled - 2000 / labelledOneIn) < 80 && Math.abs(onlyShadowRight / labelled - 0.25) < 0.1, JSON.stringify({ labelledOneIn, labelled, onlyShadowRight }));
    assert.match(words(shadowReport(told(collector))), new RegExp(`one in ${labelledOneIn} was followed to it, drawn by its id\\.`));
  });

  it('are judged by their outcome in whatever order the three come', () => {
    const parts = [(collector: ShadowCollector, number: number): void => served(collector, number, { score: 0.9 }), (collector: ShadowCollector, number: number): void => shadow(collector, number, { score: 0.1 }), (collector: ShadowCollector, number: number): void => collector.addOutcome(hash53(id(number)), true, Number.NaN)] as const;
    const orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] as const;
    for (const isRestarted of [false, true]) {
      let collector = new ShadowCollector(labels);
      // The first shadow answer, from which on all is kept.
      shadow(collector, 1000, {});
      for (const [number, order] of orders.entries()) {
        for (const each of order) {
          parts[each](collector, number);
          if (isRestarted) collector = new ShadowCollector(labels, { shadow: structuredClone(collector.saved) });
        }
      }
      const { pairs, labelled, onlyServedRight, onlyShadowRight } = told(collector);
      assert.deepEqual([pairs, labelled, onlyServedRight, onlyShadowRight], [6, 6, 6, 0]);
      // Once.
      for (const number of orders.keys()) collector.addOutcome(hash53(id(number)), false, Number.NaN);
      assert.equal(told(collector).labelled, 6);
    }
  });

  describe('are judged by the outcome that metrics go by', () => {
    type Told = readonly [value: boolean, at: number];
    const SERVED_AT = 1000;

    /** By the rule of docs/quality.md. */
    function counting(all: readonly Told[], own: boolean | undefined, { matureAfterMs, absentMeans }: LabelDefinition): boolean | undefined {
      const limit = SERVED_AT + matureAfterMs;
      const by = (from: readonly Told[], sign: 1 | -1): boolean | undefined => from.toSorted((a, b) => sign * (a[1] - b[1]) || Number(a[0]) - Number(b[0])).at(-1)?.[0];
      const late = all.filter(([, at]) => at > limit);
      return by(all.filter(([, at]) => at <= limit), 1) ?? all.findLast(([, at]) => Number.isNaN(at))?.[0] ?? own ?? (absentMeans === undefined ? by(late, -1) : undefined);
    }

    /** Of each request both answers, of which the served one is always yes, and then its outcomes; where `isBefore` each stands, that may be before the answers. */
    function judged(definition: LabelDefinition, seed: number, isBefore: (told: readonly Told[]) => boolean): void {
      const random = seeded(seed);
      let collector = new ShadowCollector(definition);
      let [right, wrong] = [0, 0];
      shadow(collector, 10_000, {});
      for (let number = 0; number < 600; number += 1) {
        const at = (): number => (random() < 0.2 ? Number.NaN : SERVED_AT + Math.floor(random() * 8) * 50);
        const all = Array.from({ length: Math.floor(random() * 5) }, (): Told => [random() < 0.5, at()]);
        const own = random() < 0.2 ? random() < 0.5 : undefined;
        const early = isBefore(all) && random() < 0.5 ? all.length : 0;
        const tell = (told: readonly Told[]): void => { for (const [value, when] of told) collector.addOutcome(hash53(id(number)), Number(value), when); };
        const answers = [(): void => served(collector, number, { score: 0.9, at: SERVED_AT, outcome: own === undefined ? undefined : Number(own) }), (): void => shadow(collector, number, { score: 0.1 })];
        tell(all.slice(0, early));
        for (const answer of random() < 0.5 ? answers : answers.toReversed()) answer();
        for (const told of all.slice(early)) {
          if (random() < 0.1) collector = new ShadowCollector(definition, { shadow: structuredClone<SavedShadow>(collector.saved ?? assert.fail()) });
          tell([told]);
        }
        const outcome = counting(all, own, definition);
        right += Number(outcome === true);
        wrong += Number(outcome === false);
      }
      const { labelled, onlyServedRight, onlyShadowRight } = told(collector);
      assert.deepEqual([labelled, onlyServedRight, onlyShadowRight], [right + wrong, right, wrong]);
      assert.ok(right > 100 && wrong > 100);
    }

    for (const [name, more] of [['those in time', { matureAfterMs: 150 }], ['those in time alone, where absence means something', { matureAfterMs: 150, absentMeans: 0 }], ['the first, without mature_after', { matureAfterMs: 0 }]] as const) {
      it(`in whatever order several come, and when they were saved in between: ${name}`, () => {
        judged({ ...labels, ...more }, 7, () => false);
        // Before the prediction is known it is not known which are late; one of them, or several that are not, are no question.
        judged({ ...labels, ...more }, 8, (all) => more.matureAfterMs === 0 ? all.every(([, at]) => at > SERVED_AT) : all.length === 1 || all.every(([, at]) => !(at > SERVED_AT + more.matureAfterMs)));
      });
    }

    it('of those that were judged last, of which so many are kept', () => {
      const collector = new ShadowCollector({ ...labels, matureAfterMs: 500 }, undefined, 40);
      for (const value of [0, 1]) {
        for (let number = 0; number < 100; number += 1) {
          if (value === 0) { served(collector, number, { score: 0.9, at: SERVED_AT }); shadow(collector, number, { score: 0.1 }); }
          collector.addOutcome(hash53(id(number)), value, SERVED_AT + value);
        }
      }
      const { labelled, onlyServedRight } = told(collector);
      assert.ok(labelled === 100 && onlyServedRight >= 10 && onlyServedRight < 20, `${labelled} ${onlyServedRight}`);
    });
  });

  it('are what both answered: no answer is no agreement', () => {
    const collector = new ShadowCollector(labels);
    const kinds: readonly (readonly [Partial<LoggedAnswer>, Partial<LoggedShadow>])[] = [
      [{ score: 0.7 }, { score: 0.6 }], [{}, {}], [{ score: 0.7 }, {}], [{ score: 0.7 }, { label: '' }], [{}, { score: 0.4 }], [{ error: 'boom' }, { score: 0.4 }], [{ score: 0.4 }, { error: 'boom' }], [{ score: 0.4, error: false }, { score: 0.7, error: '' }], [{ score: 0.4, error: 0 }, { score: 0.4, error: 'false' }],
    ];
    for (const [number, [own, other]] of kinds.entries()) {
      served(collector, number, own);
      shadow(collector, number, other);
    }
    const report = shadowReport(told(collector));
    assert.deepEqual([report.pairs, report.agreement?.share, report.servedNothing, report.shadowNothing, report.servedErrors, report.errors], [3, 2 / 3, 2, 3, 1, 1]);
    assert.match(words(report), /no answer of what was served +2\n +no answer of the shadow +3\n +errors of what was served +1\n +errors of the shadow +1\n/);
    const nothing = new ShadowCollector(labels);
    served(nothing, 1, { score: 0.7 });
    shadow(nothing, 1, {});
    assert.match(words(shadowReport(told(nothing))), /pairs +0\n +agreement +-\n/);
  });

  it('agree by labels as they stand where there are no scores, also by those that are numbers of classes', () => {
    const collector = new ShadowCollector(labels);
    const kinds: readonly (readonly [unknown, unknown, boolean])[] = [['approve', 'approve', true], ['approve', 'decline', false], [3, 3, true], [3, 7, false], [1, 'true', true], [true, 'True', true], [true, 0, false]];
    for (const [number, [own, other]] of kinds.entries()) {
      served(collector, number, { label: own });
      shadow(collector, number, { label: other });
    }
    // Of classes nobody knows which is the positive one, so no outcome says that one of both was right.
    for (const number of kinds.keys()) collector.addOutcome(hash53(id(number)), 7, Number.NaN);
    assert.equal(told(collector).labelled, kinds.filter(([own]) => own === 1 || own === true).length);
    // A score and a name have nothing that could be the same.
    served(collector, 100, { score: 0.8 });
    shadow(collector, 100, { label: 'approve' });
    const { pairs, decided, agreed } = told(collector);
    assert.deepEqual([pairs, decided, agreed], [8, 7, kinds.filter(([, , isSame]) => isSame).length]);
    assert.match(words(shadowReport(told(collector))), /pairs without a decision to agree on +1\n/);
  });

  it('are kept apart by the environment that served, and counted of the version that was new last', () => {
    const collector = new ShadowCollector(labels);
    const day = 86_400_000;
    for (let number = 0; number < 300; number += 1) {
      const environment = number % 3 === 0 ? 'staging' : 'production';
      const score = (number % 10) / 10 + 0.01;
      // Generated code may know neither; the older version answers on for a while, and comes later in the log.
      served(collector, number, { environment, score });
      shadow(collector, number, { environment: number % 2 === 0 ? '' : environment, version: number < 200 ? '15' : '14', at: number < 200 ? 2 * day + number : day + number, score: environment === 'production' ? score : 1 - score });
    }
    const [production = assert.fail(), staging = assert.fail()] = (collector.pairs ?? []).map(shadowReport);
    assert.deepEqual([production.environment, production.version, production.pairs, production.agreement?.share, production.otherVersions], ['production', '15', 133, 1, [{ version: '14', pairs: 67 }]]);
    assert.deepEqual([staging.environment, staging.version, staging.pairs, staging.agreement?.share, staging.otherVersions], ['staging', '15', 67, 0, [{ version: '14', pairs: 33 }]]);
    assert.match(words(production), /^Shadow against what was served in production\n(?:.*\n)*Counted are pairs of version 15, first logged 1970-01-03 00:00:00 UTC; not counted: 67 of 14\./);
    // Saved and restored they are the same.
    assert.deepEqual(new ShadowCollector(labels, { shadow: structuredClone(collector.saved) }).pairs, collector.pairs);
  });

  it('are kept of the ten newest versions', () => {
    const collector = new ShadowCollector(labels);
    for (let number = 0; number < 30; number += 1) {
      shadow(collector, number, { version: `v${number}`, at: number, score: 0.2 });
      served(collector, number, { score: 0.2 });
    }
    shadow(collector, 100, { version: 'v0', at: 40, score: 0.2 });
    served(collector, 100, { score: 0.2 });
    const { version, pairs, otherVersions } = told(collector);
    assert.deepEqual([version, pairs, otherVersions.map((each) => each.version)], ['v29', 1, ['v28', 'v27', 'v26', 'v25', 'v24', 'v23', 'v22', 'v21', 'v20']]);
  });

  it('tell where answers without a partner, and those that were dropped, belong', () => {
    const collector = new ShadowCollector(labels);
    served(collector, 1, { environment: 'production', score: 0.5 });
    served(collector, 2, { environment: 'staging', score: 0.5 });
    shadow(collector, 10, { environment: '', dropped: 3, score: 0.5 });
    const facts = (): unknown[] => (collector.pairs ?? []).map(({ environment, pairs, unpaired, dropped }) => [environment, pairs, unpaired, dropped]);
    // Nobody knows.
    assert.deepEqual(facts(), [['production', 0, 1, 3], ['staging', 0, 1, 3]]);
    shadow(collector, 1, { environment: '', score: 0.5 });
    shadow(collector, 11, { environment: 'production', dropped: 4, score: 0.5 });
    assert.deepEqual(facts(), [['production', 1, 2, 7]]);
    assert.match(words(shadowReport(told(collector))), /answers without a partner +2\n +answers that the service dropped +7\n/);
    const alone = new ShadowCollector(labels);
    shadow(alone, 1, { environment: '', score: 0.5 });
    assert.deepEqual([told(alone).environment, told(alone).unpaired], ['', 1]);
  });

  describe('of scores that are no probabilities', () => {
    function compared(definition: LabelDefinition, given: (number: number) => readonly [Partial<LoggedAnswer>, Partial<LoggedShadow>]): ShadowReport {
      const collector = new ShadowCollector(definition);
      for (let number = 0; number < 400; number += 1) {
        const [own, other] = given(number);
        served(collector, number, { outcome: number % 2, slices: [number % 4 === 0 ? 'country = DE' : 'country = FR'], ...own });
        shadow(collector, number, other);
      }
      return shadowReport(told(collector));
    }

    it('have no decision to agree on, but differences, which lead', () => {
      const report = compared(labels, (number) => [{ score: 100_000 + number }, { score: 300_000 + (number % 4 === 0 ? 90_000 : 0) }]);
      assert.deepEqual([report.agreement, report.mcnemar, report.pairs], [undefined, undefined, 400]);
      assert.ok(report.difference.p50 > 199_000 && report.wasserstein > 199_000 && report.psi > 1);
      assert.deepEqual(report.slices.map(({ slice, pairs, agreement }) => [slice, pairs, agreement]), [['country = DE', 100, undefined], ['country = FR', 300, undefined]]);
      assert.match(words(report), /pairs +400\n +\|score difference\| p50, p95, max .*\n +scores: .*\n +agreement +no decision to agree on: scores lie outside of 0 to 1, and labels: says no threshold\n/);
      assert.match(words(report), /Slices that differ most\n +slice +pairs +mean \|score difference\|\n +country = DE +100 +290000\n/);
    });

    it('also where some of them lie between 0 and 1, as rates may', () => {
      const report = compared(labels, (number) => [{ score: number / 300 }, { score: number / 300 }]);
      assert.equal(report.agreement, undefined);
      // A few by rounding leave probabilities what they are.
      const rounded = compared(labels, (number) => [{ score: number === 0 ? 1.0000001 : 0.7 }, { score: 0.7 }]);
      assert.deepEqual([rounded.agreement?.share, rounded.agreement?.decided, rounded.notProbable], [1, 399, 1]);
    });

    it('have one where a threshold is given, or labels', () => {
      const report = compared({ ...labels, threshold: 600, isThresholdGiven: true }, (number) => [{ score: 500 + number }, { score: 550 + number }]);
      assert.deepEqual([report.agreement?.share, report.agreement?.decided, report.mcnemar?.labelled], [350 / 400, 400, 400]);
      const labelled = compared(labels, (number) => [{ score: 500 + number, label: 'high' }, { score: 550 + number, label: number < 100 ? 'low' : 'high' }]);
      assert.deepEqual([labelled.agreement?.share, labelled.difference.p50], [0.75, 50]);
    });

    it('are not judged by outcomes where there is a third class: of those no outcome says which of two answers is right', () => {
      const judged = (given: (number: number) => readonly [Partial<LoggedAnswer>, Partial<LoggedShadow>], outcome: (number: number) => unknown, definition = labels): readonly [unjudged: string | undefined, labelled: number | undefined] => {
        let collector = new ShadowCollector(definition);
        for (let number = 0; number < 300; number += 1) {
          const [own, other] = given(number);
          served(collector, number, own);
          shadow(collector, number, other);
          collector.addOutcome(hash53(id(number)), outcome(number), Number.NaN);
          if (number === 150) collector = new ShadowCollector(definition, { shadow: structuredClone<SavedShadow>(collector.saved ?? assert.fail()) });
        }
        const report = shadowReport(told(collector));
        assert.equal(/There is no McNemar: labels or outcomes are of more than two classes\./.test(words(report)), report.unjudged === 'classes');
        return [report.unjudged, report.mcnemar?.labelled];
      };
      // Truth 2, of which neither is right: an outcome above 0 is no 1.
      assert.deepEqual(judged(() => [{ label: 0 }, { label: 1 }], () => 2), ['classes', undefined]);
      assert.deepEqual(judged(() => [{ label: 0 }, { label: 1 }], (number) => (number === 7 ? 2 : 1)), ['classes', undefined], 'one of them, before it was saved');
      assert.deepEqual(judged(() => [{ label: 0 }, { label: 1 }], (number) => (number === 7 ? 'cat' : 1)), ['classes', undefined]);
      assert.deepEqual(judged((number) => [{ label: 0 }, { label: number === 299 ? 2 : 1 }], () => 1), ['classes', undefined]);
      assert.deepEqual(judged((number) => [{ label: 0, outcome: number === 3 ? 2 : undefined }, { label: 1 }], () => 1), ['classes', undefined]);
      assert.deepEqual(judged(() => [{ label: 0 }, { label: 'true' }], (number) => number % 2), [undefined, 300]);
      // Scores have no classes, and words beside them are what two of them are called.
      assert.deepEqual(judged(() => [{ score: 0.2 }, { score: 0.8 }], () => 2), [undefined, 300]);
      assert.deepEqual(judged(() => [{ score: 0.2, label: 'decline' }, { score: 0.8 }], () => 1), [undefined, 300]);
      assert.deepEqual(judged(() => [{ score: 0.2, label: 2 }, { score: 0.8 }], () => 1), ['classes', undefined]);
    });

    it('are not judged where absence is an outcome: pairs that have one are not like the others', () => {
      const judged = (absentMeans?: number): ShadowReport => {
        const collector = new ShadowCollector({ ...labels, ...(absentMeans === undefined ? {} : { absentMeans, matureAfterMs: 1000 }) });
        for (let number = 0; number < 1000; number += 1) {
          served(collector, number, { score: 0.1 });
          shadow(collector, number, { score: number % 2 === 0 ? 0.9 : 0.1 });
          if (number % 50 === 0) collector.addOutcome(hash53(id(number)), 1, 500);
        }
        return shadowReport(told(collector));
      };
      // Only frauds are logged: a model that flags half of everybody is right about all that are known.
      const [known, absent] = [judged(), judged(0)];
      assert.deepEqual([known.mcnemar?.onlyShadowRight, known.unjudged, absent.mcnemar, absent.unjudged], [20, undefined, undefined, 'absence']);
      assert.match(words(absent), /There is no McNemar: by labels\.absent_means /);
      assert.doesNotMatch(words(absent), /McNemar +only/);
    });

    it('are of probabilities what the labels beside them say, where no threshold is given', () => {
      // Classes, and how sure of them.
      const given = (number: number): readonly [Partial<LoggedAnswer>, Partial<LoggedShadow>] => [{ score: 0.8, label: number % 3 }, { score: 0.7, label: number < 100 ? (number + 1) % 3 : number % 3 }];
      assert.equal(compared(labels, given).agreement?.share, 0.75);
      assert.equal(compared({ ...labels, isThresholdGiven: true }, given).agreement?.share, 1);
      // What the services decided, at thresholds of their own.
      const decided = compared(labels, (number) => [{ score: 0.2, label: number % 2 }, { score: 0.2, label: 0 }]);
      assert.deepEqual([decided.agreement?.share, decided.mcnemar?.onlyServedRight, decided.mcnemar?.onlyShadowRight], [0.5, 200, 0]);
    });
  });
});

describe('sides', () => {
  it('are never mistaken for each other', () => {
    const answers = new WaitingAnswers(10, () => undefined);
    const parts = { score: 0.5, error: true, outcome: false, told: 3, limit: 4, label: undefined, slices: [], environment: 1, version: 2, requestId: undefined };
    for (const side of ['served', 'shadow'] satisfies Side[]) {
      answers.add(1, side, parts);
      assert.equal(answers.take(1, side === 'served' ? 'shadow' : 'served'), undefined);
      assert.deepEqual(answers.take(1, side), parts);
      assert.equal(answers.take(1, side), undefined);
    }
  });
});
