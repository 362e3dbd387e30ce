import assert from 'node:assert/strict';
import { toAppError, type AppError } from '../../../src/core/base/errors.ts';
import { planSetRollout } from '../../../src/core/flags/planner.ts';
import type { FlagEvent } from '../../../src/core/flags/ports.ts';
import type { StrategyVariant } from '../../../src/core/flags/model.ts';
import { planCompletion } from '../../../src/core/releases/complete.ts';
import { isShipped, planShip } from '../../../src/core/releases/experiment.ts';
import { releaseTimeline, timelineText } from '../../../src/core/releases/releaseTimeline.ts';
import type { ModelMapping } from '../../../src/core/workspace/config.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { assess, lastEvent, model, PLAN, released, windows } from './assessSupport.ts';
import { stage, World } from './worldSupport.ts';

const production = 'production';
const rollouts = (world: World): unknown => world.environments.find(({ name }) => name === production)!.strategies.map(({ parameters, variants }) => [parameters['rollout'], ...variants.map(({ name, weight }) => `${name} ${weight}`)]);

describe('the end of an experiment in which the candidate won', () => {
  const nowhere = model().switches[0]!.range;
  const variants: StrategyVariant[] = [['v13', 500], ['v14', 500]].map(([name, weight]) => ({ name: String(name), weight: Number(weight), weightType: 'variable', stickiness: 'userId' }));
  const split: ModelMapping = { ...model({ plan: [stage(production, 50, { weights: { v14: 50 } })] }), switches: [{ flag: 'fraud', on: 'candidate', off: 'current', variants: { v13: 'current', v14: 'candidate' }, range: nowhere }] };

  it('gives everyone the flag where the flag itself is the switch', () => {
    const world = released(3);
    const own = model();
    assert.equal(isShipped(own, world.reading(), production), false);
    const change = planShip(own, world.reading(), production);
    assert.equal(change.kind, 'promote');
    world.apply(change);
    assert.deepEqual([rollouts(world), isShipped(own, world.reading(), production)], [[['100']], true]);
    assert.match(world.environments[1]!.strategies[0]!.title, /ship the candidate$/);
  });

  it('gives everyone the variant that stands for the candidate, and no other', () => {
    const world = new World();
    world.environments = world.environments.map((each) => (each.name === production ? { ...each, enabled: true, strategies: [rolloutStrategy('a', 50, { title: 'Modelswitch · 50 %', variants })] } : each));
    assert.equal(isShipped(split, world.reading(), production), false);
    world.apply(planShip(split, world.reading(), production));
    assert.deepEqual([rollouts(world), isShipped(split, world.reading(), production)], [[['100', 'v13 0', 'v14 1000']], true]);
  });
});

describe('completing a release', () => {
  const plan = [...PLAN.slice(0, 3), stage(production, 100, { hold: 3_600_000 })];
  const mapping = model({ plan, registeredModel: 'fraud' });
  const registry = { readModel: () => Promise.resolve({ name: 'fraud', aliases: [{ alias: 'champion', version: '13' }, { alias: 'challenger', version: '14' }] } as never) };
  const refusal = async (now: number): Promise<AppError | undefined> => {
    const world = released(4, plan);
    const found = assess(world, windows({ start: lastEvent(world), share: 1 }), { model: mapping, now: lastEvent(world) + now });
    return planCompletion(found, mapping, registry).then(() => undefined, toAppError);
  };

  it('waits for the hold of the last stage', async () => {
    const early = await refusal(1_800_000);
    assert.match(early?.message ?? '', /^fraud has been at its last stage for 30 min of 1 h: complete it then\.$/);
    assert.equal(early?.data['reason'], 'notComplete');
    assert.equal(await refusal(3_700_000), undefined);
  });
});

describe('the timeline of a release', () => {
  const event = (id: number, type: string, more: Partial<FlagEvent>): FlagEvent => ({ id, type, createdAt: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(), by: 'alice', byId: 1, ...more });

  it('holds edits of the segments that it uses, and what its parents did, with who and when', () => {
    const plan = [stage(production, 100, { segment: 'internal' }), stage(production, 100)];
    const world = new World();
    world.apply(planSetRollout(world.reading(), production, 100, {}, { segment: 'internal' }));
    const parent = { ...world.reading().detail.flag, name: 'platform', environments: [{ name: production, type: production, enabled: false, strategies: [rolloutStrategy('p', 100)] }] };
    const reading = {
      ...world.reading(),
      detail: { ...world.reading().detail, flag: { ...world.reading().detail.flag, dependencies: [{ feature: 'platform', enabled: true, variants: [] }] } },
      segmentEvents: [event(90, 'segment-updated', { segment: { id: world.segments[0]!.id, name: 'internal' } }), event(91, 'segment-updated', { segment: { id: 999, name: 'elsewhere' } })],
      parents: [{ flag: parent, events: [event(92, 'feature-environment-disabled', { flag: 'platform', environment: production, by: 'bob' })] }],
    };
    const timeline = releaseTimeline('fraud', plan, reading);
    const beside = timeline.entries.filter(({ events }) => (events[0] ?? 0) >= 90).map(({ what, by, stage: reached }) => [what.includes('internal') ? 'segment' : what.includes('platform') ? 'parent' : what, by, reached]);
    assert.deepEqual(beside, [['segment', 'alice', undefined], ['parent', 'bob', undefined]]);
    assert.equal(timeline.knowsSegmentEdits, true);
    const text = timelineText(timeline);
    assert.match(text, /internal[^\n]*by alice/);
    assert.doesNotMatch(text, /elsewhere|Edits of segments are not among these/);
    assert.match(timelineText(releaseTimeline('fraud', plan, { ...reading, segmentEvents: [] })), /Edits of segments are not among these/);
  });
});
