import assert from 'node:assert/strict';
import { limitFinding, type LimitFinding } from '../../../src/core/quality/absolute.ts';
import { compareArms, type ComparisonVerdict, type MetricComparison } from '../../../src/core/quality/comparison.ts';
import { comparisonWords } from '../../../src/core/releases/metricWords.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import { NO_MOMENTS, type Moments } from '../../../src/core/quality/stats/confidenceSequence.ts';
import { NO_NOTES, type QualityData, type QualityWindow } from '../../../src/core/quality/window.ts';
import { seeded } from '../../support/guardSimulation.ts';

type Random = () => number;
type Arm = 'candidate' | 'current';

/** Mostly about 1, now and then a hundred times as much. */
const logNormal = (sigma: number) => (random: Random): number => Math.exp(sigma * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
/** What one of so many brings, and all others nothing. */
const rarely = (share: number, amount: (random: Random) => number) => (random: Random): number => (random() < share ? amount(random) : 0);

interface Given {
  readonly section: Readonly<Record<string, unknown>>;
  readonly candidate: (random: Random) => number;
  readonly current: (random: Random) => number;
  /** Of the traffic, the candidate's. */
  readonly share: number;
  readonly perLook?: number;
  readonly looks?: number;
  readonly releases?: number;
}

function definitionOf(section: Given['section']): QualityDefinition {
  const { quality, problems } = readQuality({ guardrails: [{ name: 'm', mean: 'outcome', ...section }] });
  assert.deepEqual(problems.filter(({ severity }) => severity !== 'warning'), []);
  return quality ?? assert.fail();
}

function dataOf(sums: Readonly<Record<Arm, Moments>>): QualityData {
  const windows = (['candidate', 'current'] as const).map((arm): QualityWindow => ({ arm, environment: 'production', service: '', start: 0, end: 3_600_000, requests: sums[arm].n, units: sums[arm].n, metrics: { m: sums[arm] } }));
  return { windows, arms: [], designEffect: 1, notes: NO_NOTES };
}

/** Of so many releases at which somebody looks again and again, those in which the first word that is said is this. */
function releases<T>({ candidate, current, share, perLook = 500, looks = 60, releases: count = 40 }: Given, said: (data: QualityData) => T | undefined): T[] {
  return Array.from({ length: count }, (_, release) => {
    const random = seeded(release + 1);
    const sums = { candidate: NO_MOMENTS, current: NO_MOMENTS };
    for (let look = 0; look < looks; look += 1) {
      for (let index = 0; index < perLook; index += 1) {
        const arm: Arm = random() < share ? 'candidate' : 'current';
        const [{ n, sum, squares }, value] = [sums[arm], arm === 'candidate' ? candidate(random) : current(random)];
        sums[arm] = { n: n + 1, sum: sum + value, squares: squares + value * value };
      }
      const word = said(dataOf(sums));
      if (word !== undefined) return word;
    }
    return undefined;
  }).filter((word) => word !== undefined);
}

function verdicts(given: Given): ComparisonVerdict[] {
  const definition = definitionOf(given.section);
  return releases(given, (data) => {
    const verdict = compareArms(data, definition, 'production', { shareAt: () => given.share }).metrics[0]?.verdict;
    return verdict === 'worse' || verdict === 'not worse' ? verdict : undefined;
  });
}

function passed(given: Given): LimitFinding[] {
  const definition = definitionOf(given.section);
  const [metric = assert.fail()] = definition.metrics;
  return releases(given, (data) => {
    const found = limitFinding(metric, data.windows.filter(({ arm }) => arm === 'candidate'), { data, environment: 'production', arm: 'candidate', among: 2 });
    return found?.state === 'passed' ? found : undefined;
  });
}

const yes = (): number => 1;

describe('means of values that are mostly nothing, or now and then very large', () => {
  for (const [name, value] of [['2 of 100 buy', rarely(0.02, logNormal(1.5))], ['3 of 1,000 buy', rarely(0.003, logNormal(1))], ['baskets of 1 to 5', rarely(0.03, (random) => 1 + Math.floor(5 * random()))], ['latencies', logNormal(2)]] as const) {
    it(`are told from nothing by chance, where both arms are alike: ${name}`, () => {
      for (const better of name === 'latencies' ? ['lower'] : ['higher']) {
        const found = verdicts({ section: { better }, candidate: value, current: value, share: 0.05 });
        assert.ok(found.length <= 2, `${better}: ${found.join()}`);
      }
    });
  }

  it('are not called alike where the candidate loses twice as much, or just what is tolerated', () => {
    const current = rarely(0.005, () => 1000);
    for (const share of [0.05, 0.5]) {
      for (const rate of [0.0075, 0.01]) assert.ok(verdicts({ section: { better: 'lower', margin: 2.5 }, candidate: rarely(rate, () => 1000), current, share }).filter((word) => word === 'not worse').length <= 2, `${share} ${rate}`);
    }
  });

  it('are told where nothing is left of them: a candidate that nobody buys from', () => {
    for (const [rate, share, value] of [[0.1, 0.25, yes], [0.02, 0.25, yes], [0.1, 0.25, logNormal(1)]] as const) {
      assert.deepEqual(new Set(verdicts({ section: { better: 'higher', margin: 0.01 * rate }, candidate: () => 0, current: rarely(rate, value), share, releases: 10 })), new Set(['worse']), `${rate}`);
    }
  });

  it('of yes and no are called not worse from 20 events and 20 others of each arm on, and before insufficient', () => {
    const definition = definitionOf({ better: 'lower', margin: 0.02 });
    const verdict = (events: number): ComparisonVerdict | undefined => compareArms(dataOf({ candidate: { n: 10_000, sum: events, squares: events }, current: { n: 10_000, sum: 60, squares: 60 } }), definition, 'production').metrics[0]?.verdict;
    assert.deepEqual([5, 19, 20, 60].map(verdict), ['insufficient data', 'insufficient data', 'not worse', 'not worse']);
    // A stage that had a few less is over, and gets no more: what comes later counts all the same.
    const [early, late] = [dataOf({ candidate: { n: 520, sum: 18, squares: 18 }, current: { n: 9500, sum: 380, squares: 380 } }), dataOf({ candidate: { n: 10_000, sum: 400, squares: 400 }, current: { n: 30_000, sum: 1200, squares: 1200 } })];
    const both = { ...late, windows: [...early.windows, ...late.windows.map((window) => ({ ...window, start: window.end, end: 2 * window.end }))] };
    assert.equal(compareArms(both, definition, 'production', { shareAt: (start) => (start === 0 ? 0.05 : 0.25) }).metrics[0]?.verdict, 'not worse');
  });
});

describe('a limit of a mean', () => {
  it('is not passed by an arm that has had too few events to tell', () => {
    const given: Given = { section: { better: 'higher', limit: 0.005 }, candidate: rarely(0.01, yes), current: rarely(0.01, yes), share: 0.05 };
    assert.ok(passed(given).length <= 2);
    assert.ok(passed({ ...given, section: { better: 'higher', limit: 0.5 }, candidate: rarely(0.02, logNormal(1.8)), current: rarely(0.02, logNormal(1.8)) }).length > 30, 'what is far below it passes it');
    assert.ok(passed({ ...given, section: { better: 'higher', limit: 0.05 }, candidate: rarely(0.02, logNormal(1.8)), current: rarely(0.02, logNormal(1.8)) }).length <= 2, 'what is above it does not');
  });

  it('is passed by one that has none at all, where there should be many', () => {
    const given: Given = { section: { better: 'higher', limit: 0.05 }, candidate: () => 0, current: rarely(0.1, yes), share: 0.25, releases: 5 };
    assert.deepEqual(passed(given).map(({ value }) => value), [0, 0, 0, 0, 0]);
    assert.ok(passed(given).every(({ n }) => n >= 400 && n < 2000));
    const [metric = assert.fail()] = definitionOf(given.section).metrics;
    const state = (n: number): string | undefined => {
      const data = dataOf({ candidate: { n, sum: 0, squares: 0 }, current: NO_MOMENTS });
      return limitFinding(metric, data.windows, { data, environment: 'production', arm: 'candidate', among: 1 })?.state;
    };
    assert.deepEqual([199, 399, 401, 2000].map(state), ['insufficient', 'insufficient', 'within', 'passed'], '20 of 400 would be just at the limit');
  });
});

describe('a mean that decays after long health', () => {
  const PER_WINDOW = 1000;
  /** Windows of both arms, of exactly these shares of what is right. */
  function windowsOf(count: number, candidate: number, from: number): QualityWindow[] {
    return Array.from({ length: count }, (_, index) => index).flatMap((index) => (['candidate', 'current'] as const).map((arm): QualityWindow => {
      const n = PER_WINDOW * (arm === 'candidate' ? 0.25 : 0.75);
      const sum = Math.round(n * (arm === 'candidate' ? candidate : 0.9));
      const start = (from + index) * 60_000;
      return { arm, environment: 'production', service: '', start, end: start + 60_000, requests: n, units: n, metrics: { m: { n, sum, squares: sum } } };
    }));
  }
  const both = (healthy: number, count: number, candidate: number): QualityData => ({ windows: [...windowsOf(healthy, 0.9, 0), ...windowsOf(count, candidate, healthy)], arms: [], designEffect: 1, notes: NO_NOTES });
  const definition = definitionOf({ better: 'higher', margin: 0.02, limit: 0.8 });
  const [metric = assert.fail()] = definition.metrics;

  for (const [candidate, within] of [[0.5, 2], [0.7, 5], [0.85, 30]] as const) {
    it(`is worse after ${within},000 predictions at most when it falls from 0.9 to ${candidate} after 500,000, and not before it falls`, () => {
      const compared = compareArms(both(500, within, candidate), definition, 'production', { shareAt: () => 0.25 }).metrics[0]!;
      assert.equal(compared.verdict, 'worse');
      assert.ok(compared.lately !== undefined && compared.lately.since >= 490 * 60_000, JSON.stringify(compared.lately));
      assert.match(compared.because, /^worse by more than 0.02 since 1970-01-01 08:/);
      assert.match(comparisonWords(compared), /, worse by more than 0.02 since 1970-01-01 08:/);
      assert.equal(compareArms(both(500, 0, candidate), definition, 'production', { shareAt: () => 0.25 }).metrics[0]?.verdict, 'not worse');
    });
  }

  it('passes its limit, too', () => {
    const found = (count: number): LimitFinding | undefined => {
      const data = both(500, count, 0.5);
      return limitFinding(metric, data.windows.filter(({ arm }) => arm === 'candidate'), { data, environment: 'production', arm: 'candidate', among: 2 });
    };
    const [before, late] = [found(0), found(20)];
    assert.deepEqual([before?.state, before?.since, late?.state], ['within', undefined, 'passed']);
    // What is told is of the time since when it is so: of all it is within the limit.
    assert.ok(late !== undefined && late.value < 0.8 && late.n <= 10_000 && (late.since ?? 0) > 400 * 60_000, JSON.stringify(late));
  });

  it('is told as a whole where all of it shows it', () => {
    const compared = compareArms(both(0, 60, 0.8), definition, 'production', { shareAt: () => 0.25 }).metrics[0]!;
    assert.deepEqual([compared.verdict, compared.lately, compared.because], ['worse', undefined, 'worse by more than 0.02']);
  });

  it('is not told of releases in which nothing decays, however often it is begun anew', () => {
    for (const value of [rarely(0.9, yes), rarely(0.02, logNormal(1.5)), logNormal(1)]) {
      for (const share of [0.05, 0.25]) {
        const found = Array.from({ length: 6 }, (_, release) => {
          const random = seeded(release + 1);
          const windows: QualityWindow[] = [];
          const words: unknown[] = [];
          for (let look = 0; look < 60; look += 1) {
            const sums: Record<Arm, Moments> = { candidate: NO_MOMENTS, current: NO_MOMENTS };
            for (let index = 0; index < 2500; index += 1) {
              const arm: Arm = random() < share ? 'candidate' : 'current';
              const [{ n, sum, squares }, each] = [sums[arm], value(random)];
              sums[arm] = { n: n + 1, sum: sum + each, squares: squares + each * each };
            }
            windows.push(...dataOf(sums).windows.map((window) => ({ ...window, start: look * 3_600_000, end: (look + 1) * 3_600_000 })));
            words.push(compareArms({ windows, arms: [], designEffect: 1, notes: NO_NOTES }, definitionOf({ better: 'lower' }), 'production', { shareAt: () => share }).metrics[0]?.verdict);
          }
          return words.includes('worse');
        });
        assert.ok(found.filter(Boolean).length <= 1, found.join());
      }
    }
  });
});

describe('means of arms that were not told at the same times', () => {
  const [HOUR, DAYS] = [3_600_000, 3];
  const definition = definitionOf({ better: 'lower', margin: 5 });
  /** 50 by day and 80 by night, with a spread of 15; `more`: what the candidate has more, `isTold`: whether it tells an hour, `least` to twice as many records of both arms come in five minutes. */
  const compared = ({ more = 0, isTold = () => true, least = 200, share = 0.25 }: { readonly more?: number; readonly isTold?: (hour: number) => boolean; readonly least?: number; readonly share?: number }): MetricComparison => {
    const random = seeded(7);
    const windows: QualityWindow[] = [];
    for (let index = 0; index < DAYS * 288; index += 1) {
      const sums: [Moments, Moments] = [NO_MOMENTS, NO_MOMENTS];
      for (let count = Math.floor(least * (1 + random())); count > 0; count -= 1) {
        const arm = random() < share ? 0 : 1;
        const value = ((index / 12) % 24 < 8 ? 80 : 50) + 50 * (random() - 0.5) + (arm === 0 ? more : 0);
        const { n, sum, squares } = sums[arm];
        if (arm === 1 || isTold(index / 12)) sums[arm] = { n: n + 1, sum: sum + value, squares: squares + value * value };
      }
      for (const [arm, m] of (['candidate', 'current'] as const).map((name, place) => [name, sums[place] ?? NO_MOMENTS] as const)) {
        windows.push({ arm, environment: 'production', service: '', start: (index * HOUR) / 12, end: ((index + 1) * HOUR) / 12, requests: m.n, units: m.n, metrics: { m } });
      }
    }
    return compareArms({ windows, arms: [], designEffect: 1, notes: NO_NOTES }, definition, 'production', { shareAt: () => share }).metrics[0] ?? assert.fail();
  };
  const width = ({ interval }: MetricComparison): number => (interval?.high ?? Number.NaN) - (interval?.low ?? Number.NaN);

  it('differ by no part of the day that one of them lacks', () => {
    const healthy = compared({ isTold: (hour) => hour < 32 || hour >= 46 });
    assert.notEqual(healthy.verdict, 'worse', healthy.because);
    assert.ok(Math.abs(healthy.effect ?? 10) < 0.5, String(healthy.effect));
  });

  it('hide nothing where the candidate tells none of the slow hours', () => {
    assert.equal(compared({ more: 8, isTold: (hour) => hour % 24 >= 8 }).verdict, 'worse');
    const seldom = compared({ more: 8, isTold: (hour) => hour % 24 >= 8, least: 3, share: 0.5 });
    assert.ok(seldom.verdict !== 'not worse' && Math.abs((seldom.effect ?? 0) - 8) < 3, `${seldom.verdict}, ${seldom.effect}`);
  });

  it('count nearly all where windows have few records, of which some lack an arm by chance', () => {
    // 1 % of the traffic, half a record in five minutes; and one of each arm.
    for (const [least, share] of [[30, 0.01], [1, 0.5]] as const) {
      const found = compared({ least, share });
      const { n } = found.candidate;
      // What as many records in one window would tell.
      const whole = compareArms(dataOf({ candidate: { n, sum: n * found.candidate.value, squares: n * (found.candidate.value ** 2 + 408) }, current: { n: found.current.n, sum: found.current.n * found.current.value, squares: found.current.n * (found.current.value ** 2 + 408) } }), definition, 'production', { shareAt: () => share }).metrics[0] ?? assert.fail();
      assert.ok(width(found) < 1.1 * width(whole), `${width(found)} for ${width(whole)}`);
    }
  });
});
