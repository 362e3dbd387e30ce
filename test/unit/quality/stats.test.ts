/**
 * Values of papers and of other programs. Where a comment says scipy, the figure was computed once with scipy 1.17.1 by the call named there.
 */
import assert from 'node:assert/strict';
import { difference, relativeDifference, sequentialHalfWidth, sequentialOneSidedHalfWidth, stratifiedDifference, variance } from '../../../src/core/quality/stats/confidenceSequence.ts';
import type { Moments } from '../../../src/core/quality/stats/confidenceSequence.ts';
import { alarms, evidenceAboveRate, evidenceNotWorse, evidenceWorse, guardEvidence, joinEvidence, worseSince } from '../../../src/core/quality/stats/countRule.ts';
import { atUsualRate } from '../../../src/core/quality/stats/usualRate.ts';
import type { CountInterval } from '../../../src/core/quality/stats/countRule.ts';
import { ratioInterval, stratifiedRatio } from '../../../src/core/quality/ratioOfRates.ts';
import { dispersion, dispersionBound, type UnitSums } from '../../../src/core/quality/stats/dispersion.ts';
import { binOf, jensenShannon, justBelow, kolmogorovSmirnov, kolmogorovSmirnovP, psi, psiNoise, quantileEdges, wasserstein } from '../../../src/core/quality/stats/driftMeasures.ts';
import { chiSquaredTable, chiSquaredTail, mannWhitney, mcnemar, welch } from '../../../src/core/quality/stats/fixedTests.ts';
import { clopperPearson, newcombeDifference, provenRate, wilson } from '../../../src/core/quality/stats/intervals.ts';
import { normalLogMixture, normalMixtureBound, normalMixtureRho } from '../../../src/core/quality/stats/normalMixture.ts';
import { effectiveCount, quantile, quantileLowerBound, quantileUpperBound, samplesForBound } from '../../../src/core/quality/stats/orderStatistics.ts';
import { detectableRatio } from '../../../src/core/quality/stats/power.ts';
import { isMismatch, sampleRatioEvidence, sampleRatioTest } from '../../../src/core/quality/stats/sampleRatio.ts';
import { seeded } from '../flags/rolloutSupport.ts';

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not within ${tolerance} of ${expected}`);
}

function moments(values: readonly number[]): Moments {
  return { n: values.length, sum: values.reduce((a, b) => a + b, 0), squares: values.reduce((a, b) => a + b * b, 0) };
}

const proportion = (hits: number, n: number): Moments => ({ n, sum: hits, squares: hits });
const count = (candidateBad: number, bad: number, candidateCount: number, currentCount: number, block = 1): CountInterval => ({ candidateBad, bad, candidateCount, currentCount, block });

/** How many of so many events, each with such a chance. */
function drawn(random: () => number, of: number, chance: number): number {
  let hits = 0;
  for (let event = 0; event < of; event += 1) if (random() < chance) hits += 1;
  return hits;
}

describe('statistics: bad-event counts', () => {
  it('give the evidence of the closed form', () => {
    near(Math.exp(evidenceWorse([count(6, 20, 10, 90)], 1).plain), 10.76488, 1e-5);
    near(Math.exp(evidenceWorse([count(2, 20, 10, 90)], 1).plain), 0.53215, 1e-5);
    near(Math.exp(evidenceWorse([count(3, 12, 500, 9500), count(14, 30, 2500, 7500)], 1).plain), 82.4471, 1e-4);
  });

  it('restart at each block with the weight 1 / (j (j + 1)), and blocks to come count as 1', () => {
    const intervals = [count(1, 20, 10, 90, 1), count(6, 20, 10, 90, 2), count(5, 20, 10, 90, 3)];
    const from = (first: number): number => Math.exp(evidenceWorse(intervals.slice(first), 1).plain);
    const expected = from(0) / 2 + from(1) / 6 + from(2) / 12 + 1 / 4;
    near(Math.exp(evidenceWorse(intervals, 1).restarted), expected, 1e-9);
    assert.equal(evidenceWorse([], 1).restarted, 0);
  });

  it('find late degradation by the restart long before the plain product does', () => {
    const healthy = Array.from({ length: 100 }, (_, block) => count(5, 20, 250, 750, block));
    const worse = Array.from({ length: 25 }, (_, block) => count(10, 25, 250, 750, 100 + block));
    const { restarted, plain } = evidenceWorse([...healthy, ...worse], 1.2);
    assert.ok(alarms(restarted, 0.025), String(restarted));
    assert.ok(plain < 0, String(plain));
  });

  it('need both limits exceeded where there is a least rate', () => {
    const tiny = [count(5, 5, 1000, 1000)];
    assert.ok(guardEvidence(tiny, 1).plain > 0);
    assert.ok(guardEvidence(tiny, 1, 0.01).plain < guardEvidence(tiny, 1).plain);
    const many = [count(80, 82, 1000, 1000)];
    assert.ok(alarms(guardEvidence(many, 1.2, 0.01).plain, 0.025));
  });

  it('need both exceeded at the same time: what hits both arms alike is no breach of one that had a few more before', () => {
    const few = Array.from({ length: 40 }, (_, block) => count(2, 3, 2500, 7500, block));
    const then = (hits: number, trials: number): Parameters<typeof guardEvidence>[0] => [...few, count(hits, trials, 2500, 7500, 40)];
    const alike = then(50, 200);
    assert.ok(alarms(evidenceWorse(alike, 1.2).restarted, 0.025) && alarms(evidenceAboveRate(alike, 0.001).restarted, 0.025), 'each of them was, for itself');
    assert.ok(!alarms(guardEvidence(alike, 1.2, 0.001).restarted, 0.025));
    const own = then(100, 200);
    assert.ok(alarms(guardEvidence(own, 1.2, 0.001).restarted, 0.025));
    // In one block with what came before, which by itself told too little.
    assert.equal(worseSince(own, 1.2, 0.001), 36);
  });

  it('need both exceeded at the same time, also where quiet hours and common peaks take turns again and again', () => {
    for (let run = 0; run < 4; run += 1) {
      const random = seeded(100 + run);
      // At 25 %, 40 predictions in 5 minutes: 0.8 against 0.35 %, of which 1 % is tolerated, and for 15 minutes of every 3 hours both 6 %.
      const intervals = Array.from({ length: 28 * 288 }, (_, index) => {
        const isPeak = index % 36 >= 33;
        const own = drawn(random, 10, isPeak ? 0.06 : 0.008);
        return count(own, own + drawn(random, 30, isPeak ? 0.06 : 0.0035), 10, 30, Math.floor(index / 250));
      });
      for (let day = 1; day <= 28; day += 1) assert.ok(!alarms(guardEvidence(intervals.slice(0, 288 * day), 1.2, 0.01).restarted, 0.025), `run ${run}, day ${day}`);
    }
  });

  it('know the current version\'s rate of each service by itself', () => {
    const random = seeded(3);
    const of = (rates: (isBusy: boolean) => readonly [number, number]): CountInterval[] => Array.from({ length: 2000 }, (_, index) => {
      const isBusy = index % 2 === 1;
      const [candidate, current] = rates(isBusy);
      const own = drawn(random, 100, candidate);
      return { ...count(own, own + drawn(random, 300, current), 100, 300, Math.floor(index / 25)), service: isBusy ? 'busy' : 'quiet' };
    });
    // Over one limit here and over the other there is over none.
    const within = of((isBusy) => (isBusy ? [0.06, 0.06] : [0.008, 0.0035]));
    assert.ok(!alarms(guardEvidence(within, 1.2, 0.01).restarted, 0.025));
    const over = of((isBusy) => (isBusy ? [0.09, 0.06] : [0.016, 0.009]));
    const [apart = 0, pooled = 0] = [over, over.map((each) => ({ ...each, service: 'one' }))].map((all) => guardEvidence(all, 1.2, 0.01).restarted);
    assert.ok(alarms(apart, 0.025) && apart > pooled + 3, `${apart}, and ${pooled} where their rates seem to change all the time`);
  });

  it('find what is over both a little, where few have the current version and each window tells next to nothing', () => {
    const random = seeded(17);
    const bad = (mean: number): number => Math.max(0, Math.round(mean + Math.sqrt(mean) * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())));
    for (let run = 0; run < 5; run += 1) {
      // 0.4 against 0.2 % at 95 %, of which 0.3 % is tolerated in any case.
      const intervals = Array.from({ length: 150 }, (_, block) => { const own = bad(9500 * 0.004); return count(own, own + bad(500 * 0.002), 9500, 500, block); });
      assert.ok(alarms(guardEvidence(intervals, 1.2, 0.003).restarted, 0.025), String(guardEvidence(intervals, 1.2, 0.003).restarted));
    }
  });

  it('show by the mirror that a candidate is not worse, and by nothing that a small sample is', () => {
    assert.ok(alarms(evidenceNotWorse([count(100, 400, 5000, 15000)], 2), 0.025));
    assert.ok(!alarms(evidenceNotWorse([count(2, 8, 100, 300)], 2), 0.025));
    assert.ok(!alarms(evidenceNotWorse([count(160, 460, 5000, 15000)], 2), 0.025));
  });

  it('let no outage of both arms speak for a candidate that is bad by itself', () => {
    const release = (seed: number, candidate: number, outage: number): CountInterval[] => {
      const random = seeded(seed);
      // At 5 %, 2,000 predictions in 5 minutes, for five hours; in the outage 30 % of both arms.
      return Array.from({ length: 60 }, (_, index) => {
        const isOut = index >= 2 && index < 2 + outage;
        const own = drawn(random, 100, isOut ? 0.3 : candidate);
        return count(own, own + drawn(random, 1900, isOut ? 0.3 : 0.01), 100, 1900, Math.floor(index / 5));
      });
    };
    const accepted = (candidate: number, outage: number, of: (intervals: readonly CountInterval[]) => readonly CountInterval[]): number => Array.from({ length: 10 }, (_, seed) => release(seed + 1, candidate, outage)).filter((intervals) => alarms(evidenceNotWorse(of(intervals), 1.8), 0.025)).length;
    assert.equal(accepted(0.02, 6, (intervals) => intervals), 10, 'by all bad events it is not worse');
    assert.equal(accepted(0.02, 6, atUsualRate), 0);
    for (const outage of [0, 6]) assert.ok(accepted(0.01, outage, atUsualRate) >= 9, `a healthy one, ${5 * outage} minutes of outage`);
  });

  it('count what is usual by service, and nothing less where a rate stays as it is', () => {
    const steady = Array.from({ length: 20 }, (_, index) => ({ ...count(5, 20, 250, 750, index), service: index % 2 === 0 ? 'a' : 'b' }));
    assert.deepEqual(atUsualRate(steady), steady);
    const apart = steady.map((each, index) => (index % 2 === 0 ? each : { ...each, candidateBad: 50, bad: 200 }));
    assert.deepEqual(atUsualRate(apart), apart, 'each service has a rate of its own');
    const out = steady.map((each) => ({ ...each, service: 'a' })).map((each, index) => (index >= 8 && index < 12 ? { ...each, candidateBad: 50, bad: 200 } : each));
    for (const [index, { candidateBad, bad, candidateCount, currentCount }] of atUsualRate(out).entries()) {
      near(candidateBad, 5, 1e-9);
      near(bad, 20, 1e-9);
      assert.deepEqual([candidateCount, currentCount], [250, 750], String(index));
    }
    const daily = steady.map((each, index) => ({ ...each, service: 'a', ...(index % 10 < 6 ? { candidateBad: 20, bad: 80 } : {}) }));
    assert.deepEqual(atUsualRate(daily), daily, 'four times as much by day is usual');
    // Many without a bad event, after some that had few, are no rate of 0 at which nothing would count.
    const few = [...steady.slice(0, 8).map((each) => ({ ...each, candidateBad: 0.25, bad: 1 })), ...steady.map((each) => ({ ...each, candidateBad: 0, bad: 0 }))].map((each) => ({ ...each, service: 'a' }));
    assert.deepEqual(atUsualRate(few), few);
    assert.deepEqual([atUsualRate([]), atUsualRate([count(0, 0, 0, 0)])], [[], [count(0, 0, 0, 0)]]);
  });

  it('give an interval that holds the ratio, also where the arms differ in an outage', () => {
    for (const [candidate, current] of [[0.3, 0.3], [0.6, 0.3], [0.9, 0.6], [0.3, 0.6]] as const) {
      const intervals = Array.from({ length: 288 }, (_, index): CountInterval => {
        const [own, other] = index >= 150 && index < 162 ? [candidate, current] : [0.02, 0.02];
        return count(125 * own, 125 * own + 375 * other, 125, 375);
      });
      const [{ low, high }, ratio] = [ratioInterval(intervals, 0.025), stratifiedRatio(intervals) ?? assert.fail()];
      assert.ok(low < ratio && ratio < high, `${candidate} against ${current}: ${ratio}, ${low} to ${high}`);
    }
  });

  it('show that a candidate without bad events is good enough where a least rate says what is little', () => {
    const none = count(0, 0, 10_000, 30_000);
    assert.ok(!alarms(evidenceNotWorse([none], 1.8), 0.025));
    assert.ok(alarms(evidenceNotWorse([none], 1.8, 0.001), 0.025));
    assert.ok(!alarms(evidenceNotWorse([count(0, 0, 2_000, 6_000)], 1.8, 0.001), 0.025));
    // What depends on each other counts for less, also where there is nothing yet to see it by.
    assert.ok(!alarms(evidenceNotWorse([none], 1.8, 0.001, [count(0, 0, 2_000, 6_000)]), 0.025));
  });

  it('accept a candidate that is at both limits in one release of forty at most', () => {
    const random = seeded(11);
    const events = (mean: number): number => {
      let found = 0;
      for (let product = random(); product > Math.exp(-mean); product *= random()) found += 1;
      return found;
    };
    let accepted = 0;
    for (let release = 0; release < 1000; release += 1) {
      const seen: CountInterval[] = [];
      for (let look = 0; look < 20; look += 1) {
        // 0.2 % of the candidate and 0.1 % of the current version: twice as many, and just the least rate.
        const own = events(2);
        seen.push(count(own, own + events(3), 1000, 3000));
        if (alarms(evidenceNotWorse(seen, 2, 0.002), 0.025)) {
          accepted += 1;
          break;
        }
      }
    }
    assert.ok(accepted <= 0.025 * 1000, `${accepted} of 1000`);
    assert.ok(accepted > 0, 'the level is used');
  });

  it('join several guardrails by the mean, and stay finite where E is not', () => {
    near(joinEvidence([Math.log(80), Math.log(0.5), Math.log(0.5)]), Math.log(27), 1e-12);
    assert.ok(alarms(joinEvidence([5000, 0]), 0.025));
    const clear = evidenceWorse([count(100_000, 100_000, 500_000, 500_000)], 1);
    assert.ok(Number.isFinite(clear.restarted) && clear.restarted > 10_000);
  });

  it('say nothing where an arm has no data', () => {
    assert.equal(evidenceWorse([count(5, 5, 100, 0)], 1).plain, 0);
    assert.equal(evidenceWorse([count(0, 5, 0, 100)], 1).plain, 0);
  });

  it('measure how much more units vary than requests', () => {
    // Ten units of ten requests, all of one bad: sum (b - .1 m)^2 = 81 + 9 = 90 over 100 * .09 = 9.
    near(dispersion([{ units: 10, requests: 100, bad: 10, requestsSquared: 1000, badSquared: 100, product: 100 }]), 10, 1e-9);
    assert.equal(dispersion([{ units: 100, requests: 100, bad: 10, requestsSquared: 100, badSquared: 10, product: 10 }]), 1);
    assert.equal(dispersion([]), 1);
  });

  it('know less of it the fewer units there are', () => {
    // k units of a hundred requests each, every second of which has 4 bad ones and the others none: 3.92 by k (b - 2)^2 / (100 k .02 .98), and k / (k - 1) of it without the bias of the own rate.
    const alike = (units: number): UnitSums => ({ units, requests: 100 * units, bad: 2 * units, requestsSquared: 10_000 * units, badSquared: 8 * units, product: 200 * units });
    near(dispersion([alike(1000), alike(1000)]), 4 / 1.96, 1e-9);
    // By R: 2.0408 * (k / (k - 1)) * df / qchisq(.05, df), df = 2 (k - 1).
    for (const [units, expected] of [[4, 2.7211 * 6 / 1.6354], [10, 2.2676 * 18 / 9.3905], [50, 2.0825 * 98 / 76.1638], [1000, 2.0429 * 1998 / 1895.2]] as const) near(dispersionBound([alike(units), alike(units)]) / expected, 1, 0.02);
    // What one unit an arm came to says nothing: all of its requests may be alike, the whole unit one observation.
    assert.equal(dispersionBound([alike(1), alike(1)]), 100);
    // One with most of the requests of an arm is of as little use as a few.
    const one = { units: 1, requests: 60_000, bad: 1200, requestsSquared: 3.6e9, badSquared: 1200 ** 2, product: 60_000 * 1200 };
    const many = alike(400);
    const mostlyOne = { units: 401, requests: 100_000, bad: 2000, requestsSquared: one.requestsSquared + many.requestsSquared, badSquared: one.badSquared + many.badSquared, product: one.product + many.product };
    assert.ok(dispersionBound([mostlyOne, alike(1000)]) > 4);
    // Units that came once are as many observations, and one arm tells of the other.
    assert.equal(dispersionBound([{ units: 5, requests: 5, bad: 1, requestsSquared: 5, badSquared: 1, product: 1 }]), 1);
    assert.ok(dispersionBound([alike(1), alike(99)]) < 3);
    assert.equal(dispersionBound([]), 1);
    // Thousands of small units tell little of a large one in the other arm: where it is alone there, or has half of its requests or more, nobody knows that it is not one observation.
    const small = { units: 1900, requests: 38_000, bad: 760, requestsSquared: 760_000, badSquared: 1049, product: 15_200 };
    assert.ok(dispersionBound([small]) < 1.1);
    const large = { units: 1, requests: 2000, bad: 600, requestsSquared: 4e6, badSquared: 360_000, product: 1.2e6 };
    assert.equal(dispersionBound([large, small]), 2000);
    const beside = { units: 101, requests: 4000, bad: 640, requestsSquared: 4.04e6, badSquared: 360_056, product: 1.2008e6 };
    assert.equal(dispersionBound([beside, small]), 1010);
    assert.ok(dispersionBound([small, { ...small, units: 100, requests: 2000, bad: 40, requestsSquared: 40_000, badSquared: 56, product: 800 }]) < 1.1, 'a small arm of units as large as the others is known by them');
    assert.equal(dispersionBound([{ ...alike(3), badSquared: Number.NaN }]), Number.POSITIVE_INFINITY);
  });
});

describe('statistics: means and differences', () => {
  it('never take rounding for certainty', () => {
    // A thousand values of about 1e9: what their squares differ by is below what a double can tell.
    assert.ok(variance({ n: 1000, sum: 1e12, squares: 1e21 }) >= 1e5);
    assert.ok(variance({ n: 1000, sum: 10_000, squares: 100_000 }) < 1e-9);
  });

  const A: Moments = { n: 3000, sum: 1396.87, squares: 52377.9767 };
  const B: Moments = { n: 3461, sum: 2422.7, squares: 134698.29 };

  it('give the sequential interval of gbstats', () => {
    const relative = relativeDifference(B, A);
    near(relative.estimate, 0.50336, 1e-5);
    const width = sequentialHalfWidth(relative, 0.05, 1000);
    near(relative.estimate - width, -0.55844, 1e-5);
    near(relative.estimate + width, 1.56516, 1e-5);
  });

  it('give the one-sided interval of its formula, narrower than the two-sided one of the same level', () => {
    const se = { estimate: 0, standardError: 0.01, n: 5000 };
    const a = 0.025;
    const rho2 = (-2 * Math.log(2 * a) + Math.log(1 - 2 * Math.log(2 * a))) / 1000;
    const expected = 0.01 * Math.sqrt(5000) * Math.sqrt((2 * (5000 * rho2 + 1)) / (5000 ** 2 * rho2) * Math.log(1 + Math.sqrt(5000 * rho2 + 1) / (2 * a)));
    near(sequentialOneSidedHalfWidth(se, a, 1000), expected, 1e-12);
    assert.ok(sequentialOneSidedHalfWidth(se, a, 1000) < sequentialHalfWidth(se, a, 1000));
  });

  it('give Welch of gbstats and of R\'s sleep data', () => {
    const test = welch(B, { ...A, n: 3407 });
    near(test.estimate, 0.29, 5e-5);
    near(test.low, 0.04538, 1e-5);
    near(test.high, 0.53462, 1e-5);
    near(test.p, 0.02016, 1e-5);
    const sleep = welch(moments([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2]), moments([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]));
    near(sleep.statistic, -1.8608, 1e-4);
    near(sleep.degrees, 17.776, 1e-3);
    near(sleep.p, 0.07939, 1e-5);
  });

  it('keep to strata where the sum tells the opposite (Crook et al.)', () => {
    const days = [[proportion(230, 10_000), proportion(20_000, 990_000)], [proportion(6000, 500_000), proportion(5000, 500_000)]] as const;
    assert.ok((stratifiedDifference(days)?.estimate ?? 0) > 0);
    assert.ok(difference(proportion(6230, 510_000), proportion(25_000, 1_490_000)).estimate < 0);
    assert.equal(stratifiedDifference([[proportion(1, 10), proportion(0, 0)]]), undefined);
  });

  it('give the normal mixture of confseq', () => {
    const rho = normalMixtureRho(100, 0.05);
    near(rho, 12.60056, 1e-5);
    near(normalLogMixture(10, 100, rho), -0.6510052, 1e-5);
    near(normalMixtureBound(100, 0.05, rho), 30.35209, 1e-5);
    const oneSided = normalMixtureRho(100, 0.05, true);
    near(normalLogMixture(10, 100, oneSided, true), -0.06502391, 1e-5);
    near(normalMixtureBound(100, 0.05, oneSided, true), 27.66071, 1e-5);
  });
});

describe('statistics: proportions and fixed tests', () => {
  it('give Newcombe\'s intervals', () => {
    const rounded = ({ low, high }: { low: number; high: number }): number[] => [low, high].map((value) => Math.round(value * 1e4) / 1e4);
    assert.deepEqual(rounded(wilson(81, 263)), [0.2553, 0.3662]);
    assert.deepEqual(rounded(wilson(0, 20)), [0, 0.1611]);
    assert.deepEqual(rounded(newcombeDifference(56, 70, 48, 80)), [0.0524, 0.3339]);
    assert.deepEqual(rounded(clopperPearson(81, 263)), [0.2527, 0.3676]);
    assert.deepEqual(rounded(clopperPearson(0, 20)), [0, 0.1684]);
    assert.deepEqual(wilson(0, 0), { low: 0, high: 1 });
    // The rule of three, exactly: 1 - 0.05^(1/500).
    near(provenRate(0, 500), 0.0059736, 1e-6);
  });

  it('give the published tests', () => {
    const srm = sampleRatioTest([821_588, 815_482], [0.5, 0.5]);
    near(srm.statistic, 22.774, 1e-3);
    near(srm.p, 1.8e-6, 5e-8);
    near(mcnemar(86, 150).statistic, 17.356, 1e-3);
    // scipy.stats.binomtest(3, 12).pvalue
    near(mcnemar(3, 9).p, 0.14599609375, 1e-12);
    const ranks = mannWhitney([19, 22, 16, 29, 24], [20, 11, 17, 12]);
    assert.equal(ranks.statistic, 17);
    near(ranks.p, 0.1111, 1e-4);
    // scipy.stats.mannwhitneyu([1, 2, 2, 3], [2, 4, 4, 5, 6], method='asymptotic').pvalue
    near(mannWhitney([1, 2, 2, 3], [2, 4, 4, 5, 6]).p, 0.0605689, 1e-7);
    // scipy.stats.chi2_contingency([[10, 20, 30], [20, 20, 20]])
    const table = chiSquaredTable([[10, 20, 30], [20, 20, 20]]);
    near(table.statistic, 5.333333, 1e-6);
    near(table.p, 0.06948345, 1e-7);
    assert.equal(chiSquaredTable([[5, 0], [3, 0]]).p, 1);
  });

  it('tell tails that are smaller than what 1 has room for', () => {
    // scipy.stats.chi2.sf(statistic, degrees)
    for (const [statistic, degrees, tail] of [[100, 1, 1.5239706048320995e-23], [500, 1, 9.505397766554137e-111], [250, 9, 9.976151469298895e-49], [1500, 199, 3.648225995330051e-198], [0.5, 3, 0.9188914116546758], [40, 40, 0.4702572668392401]] as const) {
      near(chiSquaredTail(statistic, degrees) / tail, 1, 1e-9);
    }
    // scipy.stats.chi2.sf((900 - 300) ** 2 / 1200, 1)
    near(mcnemar(900, 300).p / 3.2943623833139784e-67, 1, 1e-9);
    assert.equal(chiSquaredTail(0, 3), 1);
  });

  it('find a broken split and leave a healthy one, at every look', () => {
    assert.ok(isMismatch(sampleRatioEvidence([{ counts: [821_588, 815_482], shares: [0.5, 0.5] }])));
    assert.ok(!isMismatch(sampleRatioEvidence([{ counts: [50_200, 49_800], shares: [0.5, 0.5] }, { counts: [250, 9750], shares: [0.025, 0.975] }])));
    assert.ok(isMismatch(sampleRatioEvidence([{ counts: [3000, 7000], shares: [0.25, 0.75] }])));
    assert.equal(sampleRatioEvidence([{ counts: [1, 9], shares: [0, 1] }]), Number.POSITIVE_INFINITY);
    assert.equal(sampleRatioEvidence([{ counts: [0, 9], shares: [0, 1] }]), 0);
  });

  it('bound quantiles by order statistics (Wilks)', () => {
    assert.deepEqual([1, 2, 3].map((rank) => samplesForBound(0.95, rank)), [59, 93, 124]);
    assert.equal(samplesForBound(0.99), 299);
    const sorted = Array.from({ length: 300 }, (_, index) => index + 1);
    assert.equal(quantileUpperBound(sorted.slice(0, 58), 0.95), undefined);
    assert.equal(quantileUpperBound(sorted.slice(0, 59), 0.95), 59);
    assert.equal(quantileUpperBound(sorted.slice(0, 93), 0.95), 92);
    // scipy.stats.binom.ppf(0.05, 300, 0.95) = 279: at least 279 values lie below p95 with 95 %.
    assert.equal(quantileLowerBound(sorted, 0.95), 279);
    assert.equal(quantileLowerBound([], 0.95), undefined);
    near(effectiveCount(Array.from({ length: 1000 }, (_, index) => (index * 7919 ** 2) % 1009)), 1000, 150);
    assert.ok(effectiveCount(Array.from({ length: 1000 }, (_, index) => Math.sin(index / 50))) < 5);
    near(quantile([1, 2, 3, 4], 0.5), 2.5, 1e-12);
  });

  it('say what a plan could notice', () => {
    const base = { share: 0.25, rate: 0.02, margin: 1.2, alpha: 0.025 };
    const few = detectableRatio({ ...base, predictions: 4000 });
    const many = detectableRatio({ ...base, predictions: 40_000 });
    assert.ok(many < few && many > 1.2 && few > 2, `${few} ${many}`);
    assert.equal(detectableRatio({ ...base, predictions: 10 }), Number.POSITIVE_INFINITY);
  });
});

describe('statistics: drift', () => {
  it('give the published distances', () => {
    near(psi([25, 25, 25, 25], [10, 20, 30, 40]), 0.2282174, 1e-7);
    // scipy.spatial.distance.jensenshannon([1, 0], [0.5, 0.5]) in its own base e, and with base=2
    near(jensenShannon([1, 0], [0.5, 0.5], Math.E), 0.4645014, 1e-7);
    near(jensenShannon([1, 0], [0.5, 0.5]), 0.557923, 1e-6);
    assert.equal(wasserstein([0, 1, 3], [5, 6, 8]), 5);
    near(psiNoise(10, 100, 100), 0.338, 5e-4);
    near(psiNoise(10, 1000, 1000), 0.034, 5e-4);
    // scipy.stats.ks_2samp([1, 2, 3, 4], [3, 4, 5, 6]).statistic; wasserstein_distance([1, 2, 3, 4], [2, 2, 9])
    assert.equal(kolmogorovSmirnov([1, 2, 3, 4], [3, 4, 5, 6]), 0.5);
    near(wasserstein([1, 2, 3, 4], [2, 2, 9]), 2.1666667, 1e-6);
    // scipy.stats.kstwobign.sf(0.05 * sqrt(500)) = 0.1641; Stephens' correction lowers it a little at n = m = 1000.
    near(kolmogorovSmirnovP(0.05, 1000, 1000), 0.158, 0.005);
    assert.equal(kolmogorovSmirnovP(0, 100, 100), 1);
  });

  it('floor empty bins and stay finite', () => {
    near(psi([100, 0], [0, 100]), 2 * (1 - 1e-4) * Math.log(1e4), 1e-9);
    assert.equal(jensenShannon([1, 0], [0, 1]), 1);
  });

  it('cut bins at the reference\'s quantiles, equal edges once', () => {
    const values = Array.from({ length: 1000 }, (_, index) => index);
    const edges = quantileEdges(values);
    assert.equal(edges.length, 9);
    const counts = new Array<number>(10).fill(0);
    for (const value of values) counts[binOf(edges, value)] = (counts[binOf(edges, value)] ?? 0) + 1;
    assert.deepEqual(counts, new Array(10).fill(100));
    // What fills a bin has one of its own, with what is less and what is more beside it.
    assert.deepEqual(quantileEdges([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), [-Number.MIN_VALUE, 0]);
    assert.deepEqual(quantileEdges([5, 5, 5]), [5 - 2 ** -50, 5]);
    assert.deepEqual(quantileEdges([-1, 0.5, 1, 1, 1, 1, 1, 1, 1, 1]), [-1, 0.5, 1 - 2 ** -53, 1]);
    assert.deepEqual(quantileEdges([1, 2, 3]), [1, 2]);
    assert.deepEqual(quantileEdges([]), []);
    // numpy.nextafter(x, -inf)
    assert.deepEqual([1, -1, 0, 2 ** -1022, 1e300].map(justBelow), [0.9999999999999999, -1.0000000000000002, -5e-324, 2.225073858507201e-308, 9.999999999999999e299]);
    assert.deepEqual([binOf([1, 2], 1), binOf([1, 2], 1.5), binOf([1, 2], 3), binOf([1, 2], -9)], [0, 1, 2, 0]);
  });
});
