import assert from 'node:assert/strict';
import { assessed } from '../../support/assessedReleases.ts';
import { ALPHA, COUNTED, degradation, detection, fallingSilent, falseRollbacks, HEALTHY, release, seeded } from '../../support/guardSimulation.ts';

/** Small and seeded; `npm run bench -- --only assessed` runs a thousand. */
const RUNS = 40;

describe('the assessment in simulated releases', function () {
  this.timeout(120_000);

  for (const [name, scenario] of Object.entries(HEALTHY)) {
    it(`takes at most 2.5 % of healthy ones back in 400 looks: ${name}`, () => {
      const share = falseRollbacks(scenario, (each) => assessed(each, false), RUNS, 1);
      assert.ok(share <= ALPHA, `${100 * share} %`);
    });
  }

  it('takes those back that go from 2 to 4 % at 25 %, within 20,000 predictions', () => {
    const { median, before } = detection(degradation(40, 120), 40, (each) => assessed(each, false), RUNS, 7);
    assert.ok(median <= 20_000 && before <= ALPHA, `${median}`);
  });

  it('takes at most 2.5 % of healthy ones back whose records are compared with the counters of Unleash', () => {
    const share = falseRollbacks(COUNTED, (each) => assessed(each, false), RUNS, 1);
    assert.ok(share <= ALPHA, `${100 * share} %`);
  });

  it('takes a candidate back that falls silent, by what the counters of Unleash say it was chosen for', () => {
    for (const [left, most] of [[0, 3000], [0.5, 10_000]] as const) {
      const { median, before } = detection(fallingSilent(100, { left }), 100, (each) => assessed(each, false), RUNS, 7);
      assert.ok(median <= most && before <= ALPHA, `${median} with ${left} left, ${100 * before} % before`);
    }
  });

  it('takes one back within 20,000 predictions that loses every second record, also from the minute of an hour on from which it takes longest', () => {
    const { median, before } = detection(fallingSilent(50, { left: 0.5 }), 50, (each) => assessed(each, false), RUNS / 4, 7);
    assert.ok(median <= 20_000 && before === 0, `${median}`);
  });

  it('takes nobody back when neither arm is logged any more, or when the counters are not known', () => {
    assert.equal(falseRollbacks(fallingSilent(20, { both: true }), (each) => assessed(each, false), 5, 1), 0);
    const silent = fallingSilent(20);
    const decide = assessed(silent);
    assert.ok([...release(seeded(7), silent)].every(({ interval }) => !decide({ interval })), 'records alone say nothing about those that are missing');
  });

  it('says the same at each look when it assesses each of them', () => {
    for (const [seed, scenario] of [[3, degradation(5, 60)], [4, { ...HEALTHY['5, 25, 5 %']!, looks: 60 }], [5, { ...fallingSilent(20), looks: 50 }], [6, { ...fallingSilent(20, { lag: 3, from: 0 }), looks: 50 }]] as const) {
      const [few, all] = [assessed(scenario, false), assessed(scenario)];
      const said = [...release(seeded(seed), scenario)].map((look) => [few(look), all(look)]);
      assert.deepEqual(said.filter(([a, b]) => a !== b), []);
      if (seed !== 4) assert.ok(said.some(([a]) => a === true), 'what is wrong is noticed');
    }
  });
});
