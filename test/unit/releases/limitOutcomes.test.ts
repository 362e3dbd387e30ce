import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import type { ReleaseAssessment } from '../../../src/core/releases/assessment.ts';
import { watchChampion } from '../../../src/core/releases/championWatch.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import { MINUTE, PLAN, assess, lastEvent, model, released } from './assessSupport.ts';

const HOUR = 60 * MINUTE;
/** Ten minutes of predictions each. */
const BATCHES = 36;
const GUARDRAILS: readonly Record<string, unknown>[] = [
  { name: 'not converted', bad: 'converted == 0', limit: 0.85 },
  { name: 'conversion', mean: 'converted', better: 'higher', margin: 0.02, limit: 0.15 },
  { name: 'accuracy', measure: 'accuracy', margin: 0.02, limit: 0.7 },
];

function defined(guardrail: object, labels: object = { absent_means: 0 }): QualityDefinition {
  const { quality, problems } = readQuality({ source: { log: 'x', outcomes: 'o.jsonl' }, labels: { field: 'converted', mature_after: '1h', ...labels }, guardrails: [guardrail] });
  assert.deepEqual(problems, []);
  return quality ?? assert.fail('no quality');
}

/** Who converts, one of five in either arm, is right by four of five scores. `told`: which outcomes are written. */
function read(quality: QualityDefinition, start: number, told: (batch: number, arm: string) => boolean, arms = ['candidate', 'current', 'current', 'current']): QualityData {
  const collector = new Collector(quality, { flags: ['fraud'] });
  let id = 0;
  for (let batch = 0; batch < BATCHES; batch += 1) for (const arm of arms) for (let row = 0; row < 100; row += 1) {
    id += 1;
    const [at, isWrong] = [start + 10 * batch * MINUTE + row * 1000, row % 5 === 4];
    const converts = id % 5 === 0;
    collector.add({ ts: at, request_id: `r${id}`, unit_id: `u${id}`, environment: 'production', service: 'credit', flag: 'fraud', assigned_arm: arm, model_version: arm === 'candidate' ? '14' : '13', score: converts !== isWrong ? 0.9 : 0.1 }, () => '');
    if (told(batch, arm)) collector.add({ ts: at + MINUTE, request_id: `r${id}`, converted: Number(converts) }, () => '');
  }
  const data = collector.data(start + 8 * HOUR, []);
  return { ...data, arms: data.arms.map((arm) => ({ ...arm, lastSeen: start + 8 * HOUR - 1000 })) };
}

describe('a limit of what needs outcomes', () => {
  const world = released(3);
  const start = lastEvent(world) + 5 * MINUTE;
  const assessed = (quality: QualityDefinition, data: QualityData): ReleaseAssessment => assess(world, data.windows, { now: start + 8 * HOUR, model: model({ quality }), quality: { kind: 'data', data } });
  const judged = (quality: QualityDefinition, data: QualityData): readonly unknown[] => {
    const { verdict, look } = assessed(quality, data);
    return [verdict.word, look.guardrails.map(({ state }) => state)];
  };

  for (const guardrail of GUARDRAILS) {
    it(`says nothing where they are missing or have ceased, and is passed where they show it: ${String(guardrail['name'])}`, () => {
      const quality = defined(guardrail);
      const all = read(quality, start, () => true);
      assert.ok(assessed(quality, all).look.guardrails.every(({ state }) => state === 'clear'), 'within its limit');
      const none = read(quality, start, () => false);
      assert.deepEqual(judged(quality, none), ['insufficient data', ['insufficient']], 'not one outcome');
      assert.deepEqual(judged(quality, { ...all, notes: { ...all.notes, outcomesMissing: true } }), ['insufficient data', ['insufficient']], 'no file of them');
      assert.deepEqual(judged(quality, read(quality, start, (batch) => batch < BATCHES / 2)), ['insufficient data', ['insufficient']], 'written no more');
      const strict = defined({ ...guardrail, limit: Number(guardrail['limit']) + (guardrail['bad'] === undefined ? 0.2 : -0.2) });
      assert.equal(assessed(strict, read(strict, start, () => true)).verdict.word, 'rollback', 'what there are of them passes a stricter one');
    });
  }

  it('says nothing where the arms have outcomes for different shares of their predictions', () => {
    const quality = defined({ name: 'accuracy', measure: 'accuracy', margin: 0.02, limit: 0.9 }, {});
    assert.equal(judged(quality, read(quality, start, () => true))[0], 'rollback');
    const differing = read(quality, start, (batch, arm) => arm === 'candidate' || batch % 2 === 0);
    assert.deepEqual(judged(quality, differing), ['insufficient data', ['insufficient']]);
    assert.equal(assessed(quality, differing).verdict.alarm, true, 'nothing guards it');
    assert.equal(assessed(quality, read(quality, start, () => false)).verdict.alarm, false, 'what is not there yet may come');
    const everyone = released(3);
    everyone.at = start + 7 * HOUR;
    everyone.apply(planAdvance(PLAN, everyone.reading()).change);
    assert.equal(assess(everyone, differing.windows, { now: start + 8 * HOUR, model: model({ quality }), quality: { kind: 'data', data: differing } }).verdict.alarm, false, 'nobody has the current version any more, so it could not end');
  });

  it('is told where nothing is compared', () => {
    const quality = defined(GUARDRAILS[0] ?? assert.fail());
    const { look } = assessed(quality, read(quality, start, () => false, ['candidate']));
    assert.match(look.guardrails.at(-1)?.words ?? '', /^not converted.*: none of the 3\.6k predictions that have matured has an outcome, and absence alone says nothing$/);
    assert.equal(look.guardrails.at(-1)?.state, 'insufficient');
  });

  it('raises no alarm about what serves, and neither do earlier weeks, while outcomes are missing or have ceased', () => {
    const WEEK = 7 * 24 * HOUR;
    for (const guardrail of GUARDRAILS) {
      const quality = defined(guardrail);
      const alarms = (told: (batch: number) => boolean, notes: Partial<QualityData['notes']> = {}): number => {
        const [before, data] = [read(quality, start - WEEK, () => true, ['current']), read(quality, start, told, ['current'])];
        const known: QualityData = { ...data, windows: [...before.windows, ...data.windows], notes: { ...data.notes, ...notes } };
        return watchChampion({ model: model({ quality }), quality: { kind: 'data', data: known }, now: start + 8 * HOUR, reading: released(0).reading() })?.alarms.length ?? -1;
      };
      assert.deepEqual([alarms(() => true), alarms(() => false), alarms((batch) => batch < 12), alarms(() => true, { outcomesMissing: true })], [0, 0, 0, 0], String(guardrail['name']));
    }
    const strict = defined({ name: 'conversion', mean: 'converted', better: 'higher', margin: 0.02, limit: 0.4 });
    const data = read(strict, start, () => true, ['current']);
    assert.equal(watchChampion({ model: model({ quality: strict }), quality: { kind: 'data', data }, now: start + 8 * HOUR, reading: released(0).reading() })?.alarms.length, 1);
  });
});
