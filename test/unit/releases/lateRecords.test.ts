import assert from 'node:assert/strict';
import { assessed } from '../../support/assessedReleases.ts';
import { detection, falseRollbacks, fallingSilent, LATE_SOURCES, toldLate, type Rule, type Scenario } from '../../support/guardSimulation.ts';

const RUNS = 4;
const rule = (scenario: Scenario): Rule => assessed(scenario, false);

describe('records that come later than Unleash counts', function () {
  this.timeout(120_000);

  for (const [name, told] of Object.entries(LATE_SOURCES)) {
    it(`take no healthy release back where the share changes: ${name}`, () => {
      for (const [from, to] of [[0, 0.05], [0.05, 0.25], [0.05, 0.95]] as const) {
        for (const [at, perMinute] of [[30, 250], [32, 60], [57, 250]] as const) {
          assert.equal(falseRollbacks(toldLate(from, to, at, perMinute, told), rule, RUNS, 1), 0, `${from} -> ${to} at minute ${at}, ${perMinute} a minute`);
        }
      }
    });

    it(`take no healthy release back where the share stays: ${name}`, () => {
      assert.equal(falseRollbacks(toldLate(0.25, 0.25, 60, 250, told), rule, RUNS, 1), 0);
    });
  }

  it('take no healthy release back by what both arms fail by, whichever of them is told later', () => {
    // Both need something that fails for a quarter of an hour.
    const rate = (look: number): number => (look >= 32 && look < 47 ? 0.3 : 0.02);
    for (const lags of [[0, 1], [0, 2], [1, 5], [2, 0]] as const) {
      assert.equal(falseRollbacks({ looks: 55, share: () => 0.25, candidate: rate, current: rate, volume: () => 1000, told: { lags } }, rule, RUNS, 1), 0, lags.join(' and '));
    }
  });

  it('still take a candidate back that falls silent, also right after an advance and at the first one', () => {
    for (const lag of [0, 3, 8]) {
      const { median, before } = detection(fallingSilent(100, { lag }), 100, rule, RUNS, 7);
      assert.ok(median <= 6000 && before === 0, `${median} at ${lag} min`);
      for (const from of [0, 0.05]) {
        const advanced = detection(fallingSilent(30, { lag, from }), 30, rule, RUNS, 7);
        assert.ok(advanced.median <= 7500 && advanced.before === 0, `${advanced.median} at ${lag} min after an advance from ${from}`);
      }
    }
  });

  it('still take a candidate back that loses every second record right after an advance, when the hour has been told', () => {
    for (const lag of [0, 8]) {
      const { median, before } = detection(fallingSilent(30, { left: 0.5, lag, from: 0.05 }), 30, rule, RUNS, 7);
      assert.ok(median <= (30 + 10 + lag + 5) * 250 && before === 0, `${median} at ${lag} min`);
    }
  });
});
