import assert from 'node:assert/strict';
import { accepts, ALPHA, degradation, detection, falseRollbacks, HEALTHY, nightly, RULES, silence } from '../../support/guardSimulation.ts';

/** Small and seeded; `npm run bench -- --only guard` runs many more. */
const RUNS = 80;
const rule = (name: string): (typeof RULES)[string] => RULES[name] ?? assert.fail(`there is no rule ${name}`);

describe('the guard in simulated releases', function () {
  this.timeout(120_000);

  for (const [name, scenario] of Object.entries(HEALTHY)) {
    it(`rolls back at most 2.5 % of healthy ones over 400 looks: ${name}`, () => {
      const share = falseRollbacks(scenario, rule('Modelswitch'), RUNS, 1);
      assert.ok(share <= ALPHA, `${share * 100} %`);
    });
  }

  it('takes back no healthy one by a handful of units, nor lets a bad one go on: nightly batches', () => {
    for (const [nights, perArm] of [[1, 1], [1, 2], [1, 3], [1, 5], [1, 10], [1, 20], [30, 1], [12, 3]] as const) {
      const [back, on] = [falseRollbacks(nightly(nights, perArm), rule('Modelswitch'), 2 * RUNS, 11), falseRollbacks(nightly(nights, perArm, 1.8), accepts, 2 * RUNS, 13)];
      assert.ok(back <= ALPHA && on <= ALPHA, `${nights} nights of ${perArm}: ${100 * back} % taken back, ${100 * on} % let on`);
    }
    // It still notices one that fails in whole, and lets on one that does not.
    assert.ok(detection(nightly(30, 1, 40), 0, rule('Modelswitch'), RUNS, 17).median < Number.POSITIVE_INFINITY);
    assert.ok(falseRollbacks(nightly(60, 5, 0.9), accepts, RUNS, 19) > 0.5);
  });

  it('rolls back many healthy ones when a test for one look is repeated, which shows that the simulation can fail', () => {
    const share = falseRollbacks(HEALTHY['independent requests, 10 %'] ?? assert.fail(), rule('repeated z-tests'), RUNS, 1);
    assert.ok(share > 0.15, `${share * 100} %`);
  });

  it('catches 2 -> 4 % at 25 % within 20,000 predictions, early and after 100,000 healthy ones', () => {
    const early = detection(degradation(0), 0, rule('Modelswitch'), RUNS, 7);
    const late = detection(degradation(400), 400, rule('Modelswitch'), RUNS, 9);
    assert.ok(early.median <= 20_000 && late.median <= 20_000, `${early.median} ${late.median}`);
    assert.ok(late.before <= ALPHA);
    const plain = detection(degradation(400), 400, rule('the same without restarts'), RUNS, 9);
    assert.ok(plain.median > 2 * late.median, `${plain.median} ${late.median}`);
  });

  it('catches a candidate that falls silent at once', () => {
    const { median, before } = detection(silence(400), 400, rule('Modelswitch'), RUNS, 9);
    assert.ok(median <= 1000 && before <= ALPHA, `${median}`);
  });
});
