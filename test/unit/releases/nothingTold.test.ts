import assert from 'node:assert/strict';
import { planSetRollout } from '../../../src/core/flags/planner.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import { countedFrom } from '../../../src/core/releases/allocation.ts';
import type { ReleaseAssessment, ReleaseLook } from '../../../src/core/releases/assessment.ts';
import { watchChampion } from '../../../src/core/releases/championWatch.ts';
import type { ExposureCount } from '../../../src/core/releases/findings.ts';
import { MINUTE, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';
import { stage, World } from './worldSupport.ts';

const HOUR = 60 * MINUTE;
const DOUBT = 'no series counts its events of the candidate';
const EVERYONE = [stage('production', 100), stage('development', 100)];

describe('a guardrail that says nothing', () => {
  /** A counter that nobody has is told as none. */
  function counted(all: readonly QualityWindow[], doubts: Readonly<Record<string, string>> = { errors: DOUBT }): Pick<ReleaseLook, 'quality'> {
    return { quality: { kind: 'data', data: { ...data(all), doubts } } };
  }
  const said = ({ verdict }: ReleaseAssessment): readonly unknown[] => [verdict.word, verdict.reasons[0]?.kind, verdict.reasons[0]?.words];

  it('does not pass for healthy at 100 %, where its limit is all that is left', () => {
    const world = released(1, EVERYONE);
    const all = windows({ start: lastEvent(world), share: 1, candidateErrors: 0 }).filter(({ requests }) => requests > 0);
    const at = (doubts?: Readonly<Record<string, string>>): ReleaseAssessment => assess(world, all, { model: model({ plan: EVERYONE }), ...counted(all, doubts) });
    assert.deepEqual(said(at()), ['insufficient data', 'data', `errors 0 % (n 48k), limit 20 %: not judged, ${DOUBT}`]);
    assert.equal(at({}).verdict.word, 'advance', 'a counter that stands at 0 is within the limit');
    assert.equal(at({ other: DOUBT }).verdict.word, 'advance', 'that of another metric is none of its own');
  });

  it('is told at the last stage, also after a ramp that compared it', () => {
    const world = released(4);
    const all = windows({ start: lastEvent(world), candidateErrors: 0 });
    assert.deepEqual(said(assess(world, all, counted(all))).slice(0, 2), ['insufficient data', 'data']);
    assert.deepEqual(said(assess(world, all, counted(all, {}))).slice(0, 2), ['hold', 'last stage']);
  });

  it('lets no release go on below 100 % either, whether or not the stage asks for statistics, and hides no breach', () => {
    for (const gates of [[], ['statistics' as const]]) {
      const plan = [stage('production', 25, { gates }), stage('production', 100)];
      const world = released(1, plan);
      const all = windows({ start: lastEvent(world), candidateErrors: 0 });
      const found = assess(world, all, { model: model({ plan }), ...counted(all) });
      assert.deepEqual(said(found), ['insufficient data', 'data', `errors 0 % vs 2 % (n 12k): ${DOUBT}`]);
      assert.equal(found.look.guardrails.length, 1, 'it is said once');
      assert.equal(assess(world, all, { model: model({ plan }), ...counted(all, {}) }).verdict.word, 'advance');
      const few = windows({ start: lastEvent(world), candidateErrors: 0, count: 1, perWindow: 400 });
      assert.equal(said(assess(world, few, { model: model({ plan }), ...counted(few) }))[2], `errors 0 % vs 2 % (n 100): ${DOUBT}`, 'what is to be mended is told at once');
      const bad = windows({ start: lastEvent(world), candidateErrors: 0.3 });
      assert.equal(assess(world, bad, { model: model({ plan }), ...counted(bad) }).verdict.word, 'rollback');
    }
  });

  it('names what a limit needs that nobody is left to compare with', () => {
    const judged = (section: object, n: number): readonly unknown[] => {
      const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'latency', mean: 'latency_ms', ...section }], window: '5min' }).quality ?? assert.fail();
      const world = released(1, EVERYONE);
      const all = windows({ start: lastEvent(world), share: 1, perWindow: n, count: 1 }).filter(({ requests }) => requests > 0).map((each): QualityWindow => ({ ...each, metrics: { latency: { n, sum: 0.4 * n, squares: 0.4 * n } } }));
      return said(assess(world, all, { model: model({ plan: EVERYONE, quality }), quality: { kind: 'data', data: data(all) } }));
    };
    assert.deepEqual(judged({ limit: 0.5 }, 100), ['insufficient data', 'data', 'latency 0.4 (n 100), limit 0.5: not judged, a limit of a mean needs 200 units']);
    assert.deepEqual(judged({ limit: 0.01, better: 'higher' }, 1000), ['insufficient data', 'data', 'latency 0.4 (n 1k), limit 0.01: not judged, a limit of 0.01 needs 2000 independent records of what is 0 or 1']);
    assert.deepEqual(judged({ limit: 1 }, 1000), ['insufficient data', 'data', 'latency 0.4 (n 1k), limit 1: not judged, nothing that is 0 or 1 can be held against a limit of 1: give one between the two']);
    assert.equal(judged({ limit: 0.5 }, 1000)[0], 'advance');
    assert.equal(judged({}, 100)[0], 'advance', 'without a limit nothing is asked where nobody is left');
  });

  it('keeps a segment from going on where no record tells what its limit is of, and not because it is small', () => {
    const plan = [stage('production', 100, { segment: 'internal' }), stage('production', 25)];
    const world = new World();
    world.apply(planSetRollout(world.reading(), 'production', 100, {}, { segment: 'internal' }));
    const judged = (section: object, told: boolean): ReleaseAssessment => {
      const quality = readQuality({ source: { log: 'x.jsonl' }, guardrails: [section], labels: { field: 'late', mature_after: '7d' }, window: '5min' }).quality ?? assert.fail();
      const all = windows({ start: lastEvent(world), perWindow: 200, count: 1 }).map((each): QualityWindow => ({ ...each, metrics: told ? { slow: { n: each.requests, sum: 0.4 * each.requests, squares: 0.4 * each.requests } } : {} }));
      return assess(world, all, { model: model({ plan, quality }), quality: { kind: 'data', data: data(all) } });
    };
    const slow = { name: 'slow', bad: 'latency_ms > 5', limit: 0.9 };
    assert.deepEqual(said(judged(slow, false)), ['insufficient data', 'data', 'slow no data (n 0), limit 90 %: not judged, no record tells it']);
    assert.equal(judged(slow, true).verdict.word, 'advance');
    assert.equal(judged({ name: 'slow', bad: 'late == 1', limit: 0.9 }, false).verdict.word, 'advance', 'outcomes come when the segment is long left');
    const small = judged({ name: 'slow', mean: 'latency_ms', limit: 0.9 }, true);
    assert.equal(small.verdict.word, 'advance');
    assert.ok(small.evidence.includes('slow 0.4 (n 50), limit 0.9: not judged, a limit of a mean needs 200 units'), small.evidence.join('\n'));
  });

  it('is named by the watch over what serves, which does not alarm by it', () => {
    const now = Date.UTC(2026, 2, 2, 12);
    const all = windows({ start: now - HOUR, share: 1, candidateErrors: 0 }).filter(({ requests }) => requests > 0);
    const watched = (doubts: Readonly<Record<string, string>>): ReturnType<typeof watchChampion> => watchChampion({ model: model(), now, reading: released(4).reading(), ...counted(all, doubts) });
    assert.deepEqual([watched({ errors: DOUBT })?.alarms, watched({ errors: DOUBT })?.words.split('; ')[1]], [[], `the limit of errors is not judged: ${DOUBT}`]);
    assert.ok(!watched({})?.words.includes('not judged'));
  });
});

describe('a service that has served nothing since evidence began', () => {
  const world = released(3);
  const since = countedFrom(assess(world, []).since) ?? assert.fail('evidence has a beginning');
  const good = windows({ start: lastEvent(world), count: 14 });
  /** Its only window reaches over the beginning. */
  const retired = windows({ start: since, count: 1, service: 'web' }).map((each): QualityWindow => ({ ...each, start: since - 2 * MINUTE, end: since + 3 * MINUTE }));
  const all = [...retired, ...good];

  it('neither keeps a release back for ever nor has a part of the level', () => {
    const found = assess(world, all);
    assert.deepEqual([found.verdict.word, found.verdict.reasons], ['advance', []]);
    assert.deepEqual(found.comparisons.map(({ service }) => service), [undefined]);
    assert.deepEqual(found.comparisons, assess(world, good).comparisons);
  });

  it('does not take part where all its records are left out', () => {
    const leftOut = windows({ start: lastEvent(world), count: 14, service: 'web' }).map((each): QualityWindow => ({ ...each, requests: 0, served: each.requests, units: 0, metrics: {} }));
    const asked: ExposureCount = { environment: 'production', app: 'web', start: since + HOUR, end: since + 2 * HOUR, yes: 10, no: 30, variants: {} };
    const found = assess(world, [...good, ...leftOut], { exposures: [asked] });
    assert.deepEqual([found.verdict.word, found.verdict.reasons], ['advance', []]);
  });

  it('is named with its mend where it served a little, and comes no more', () => {
    const now = since + 3 * 24 * HOUR;
    const [few, fresh] = [windows({ start: lastEvent(world), count: 1, perWindow: 40, service: 'web' }), windows({ start: now - 10 * MINUTE, count: 2 })];
    const words = (at: number, ...more: QualityWindow[][]): string | undefined => assess(world, [...few, ...good, ...more.flat()], { now: at }).look.acceptance.find(({ service, state }) => service === 'web' && state === 'open')?.words;
    assert.match(words(now, fresh) ?? '', /: too few bad events to tell; it logged last 2 days ago: where it is retired, leave it out by where: service != "web"$/);
    assert.match(words(good.at(-1)!.end) ?? '', /: too few bad events to tell$/);
  });

  it('is not known about where Unleash counts that it still asks, which is told with what to look at', () => {
    const now = since + 3 * HOUR;
    const fresh = [...all, ...windows({ start: now - 10 * MINUTE, count: 2 })];
    const asked = (start: number, more: Partial<ExposureCount> = {}): ExposureCount => ({ environment: 'production', app: 'web', start, end: start + HOUR, yes: 300, no: 900, variants: {}, ...more });
    const judged = (...counts: ExposureCount[]): ReleaseAssessment => assess(world, fresh, { now, exposures: counts });
    const found = judged(asked(since + 2 * HOUR));
    assert.deepEqual([found.verdict.word, found.verdict.reasons[0]?.words], ['insufficient data', 'web: it has logged nothing since evidence began, though Unleash counts that it asked 1.2k times of late: see whether its predictions are logged']);
    for (const [what, count] of Object.entries({
      'before evidence began': asked(since - HOUR), 'long ago': asked(since), 'not at all': asked(since + 2 * HOUR, { yes: 0, no: 0 }),
      'elsewhere': asked(since + 2 * HOUR, { environment: 'development' }), 'by another name': asked(since + 2 * HOUR, { app: 'shop' }),
    })) assert.ok(!judged(count).look.guardrails.some(({ state }) => state === 'insufficient'), what);
    // Who asked in an hour that began before evidence did may have asked before it.
    const soon = since + 75 * MINUTE;
    const early = assess(world, [...all, ...windows({ start: soon - 5 * MINUTE, count: 1 })], { now: soon, exposures: [asked(since - HOUR / 2)] });
    assert.ok(!early.look.guardrails.some(({ state }) => state === 'insufficient'));
  });
});
