import assert from 'node:assert/strict';
import { releasePorts } from '../../../src/adapters/releases/releasePorts.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import type { QualityData, QualitySource } from '../../../src/core/quality/window.ts';
import { countedFrom, evidenceStart } from '../../../src/core/releases/allocation.ts';
import { ReleaseReader, type LookedAt, type ReleasePorts } from '../../../src/core/releases/releaseReader.ts';
import { planAdvance, planStepDown } from '../../../src/core/releases/stageChange.ts';
import { QUALITY, data, lastEvent, model, released, windows } from './assessSupport.ts';
import { stage } from './worldSupport.ts';

describe('the source of a look at a release', () => {
  const world = released(3);
  const good = windows({ start: lastEvent(world), count: 14 });
  const bad = windows({ start: lastEvent(world), count: 14, candidateErrors: 0.5 });
  const now = good.at(-1)!.end;
  const part = (all: QualityData): QualityData => ({ ...all, notes: { ...all.notes, incomplete: 'store-1 is down' } });

  function ports(readQuality: ReleasePorts['readQuality'], at = (): number => now): ReleasePorts {
    return {
      config: { models: [model()], features: [] },
      gates: { registry: () => Promise.reject(new Error('not asked')), readText: () => Promise.reject(new Error('not asked')), suites: () => Promise.resolve([]), now: () => now, readFlag: () => Promise.resolve(undefined) },
      readFlag: () => Promise.resolve(world.reading()), readExposures: () => Promise.resolve([]), readQuality, now: at, sha256: (text) => text,
    };
  }

  /** What looks one after another come to, each at what the source tells then. */
  async function looks(...told: readonly { readonly data: QualityData; readonly now?: number }[]): Promise<LookedAt[]> {
    let at = 0;
    const reader = new ReleaseReader(ports(() => Promise.resolve(told[at]!.data), () => told[at]!.now ?? now));
    const found: LookedAt[] = [];
    for (; at < told.length; at += 1) found.push(await reader.look(model(), 'fraud'));
    return found;
  }

  it('is asked for all that came since evidence began', async () => {
    const asked: unknown[] = [];
    const reader = new ReleaseReader(ports((_model, at, _signal, back) => {
      asked.push([at, back?.since, back?.from]);
      return Promise.resolve(data(good));
    }));
    await reader.look(model(), 'fraud');
    assert.deepEqual(asked, [[now, countedFrom(evidenceStart(world.reading(), 'production', 'fraud')) ?? assert.fail(), undefined]], 'from the beginning of its hour, for counters are by the hour');
  });

  it('is asked back to the oldest evidence of the environments in which somebody has to be heard of, whichever the plan ends with', async () => {
    const plan = [stage('production', 5), stage('production', 25), stage('development', 100)];
    const second = released(2, plan);
    const began = countedFrom(evidenceStart(second.reading(), 'production', 'fraud')) ?? assert.fail();
    second.at = began + 72 * 3_600_000;
    second.apply(planAdvance(plan, second.reading()).change);
    const asked: unknown[] = [];
    const reading = (_model: unknown, _at: number, _signal?: AbortSignal, back?: { since?: number | undefined }): Promise<QualityData> => {
      asked.push(back?.since);
      return Promise.resolve(data(good));
    };
    await new ReleaseReader({ ...ports(reading), readFlag: () => Promise.resolve(second.reading()) }).look(model({ plan }), 'fraud');
    const start = released(0);
    await new ReleaseReader({ ...ports(reading), readFlag: () => Promise.resolve(start.reading()) }).look(model(), 'fraud');
    assert.deepEqual(asked, [began, countedFrom(evidenceStart(start.reading(), 'production', 'fraud'))], 'and of the last one where nobody gets the candidate yet');
  });

  it('is asked, too, for what members of a segment did before, while they alone had what is released now', async () => {
    const plan = [stage('production', 100, { segment: 'internal' }), stage('production', 5), stage('production', 25)];
    const third = released(1, plan);
    const began = lastEvent(third);
    third.at = began + 72 * 3_600_000;
    third.apply(planAdvance(plan, third.reading()).change);
    const asked: unknown[] = [];
    const look = (definition = QUALITY): Promise<LookedAt> => new ReleaseReader({ ...ports((_model, _at, _signal, back) => { asked.push([back?.since, back?.from]); return Promise.resolve(data(good)); }), readFlag: () => Promise.resolve(third.reading()) }).look(model({ plan, quality: definition }), 'fraud');
    await look();
    const since = countedFrom(evidenceStart(third.reading(), 'production', 'fraud'));
    await look(readQuality({ source: { log: 'x.jsonl' }, guardrails: [{ name: 'errors', bad: 'error' }], where: 'features.group != "internal"' }).quality);
    assert.deepEqual(asked, [[since, began], [since, undefined]]);
    // Taken back and given to them again, it is what they did since.
    third.at += 24 * 3_600_000;
    third.apply(planStepDown(plan, 0, third.reading(), 'production', 'person'));
    const back = lastEvent(third);
    third.at += 24 * 3_600_000;
    third.apply(planAdvance(plan, third.reading()).change);
    await look();
    assert.deepEqual(asked.at(-1), [countedFrom(evidenceStart(third.reading(), 'production', 'fraud')), back]);
  });

  it('is told so by the ports of this machine', async () => {
    const asked: unknown[] = [];
    const source: QualitySource = { dispose: () => undefined, read: ({ now: at, since, from }) => { asked.push([at, since, from]); return Promise.resolve(data(good)); } };
    const sources = { client: { clockOffset: 0, readExposures: () => assert.fail() }, runner: { read: () => assert.fail() }, project: 'default', config: { models: [], features: [] }, gates: ports(() => assert.fail()).gates, folder: '/', fetch: () => assert.fail(), credentialsFor: () => ({}), openSource: () => source };
    await releasePorts(sources).readQuality(model(), 7000, undefined, { since: 3000, from: 2000 });
    assert.deepEqual(asked, [[7000, 3000, 2000]]);
  });

  it('takes nothing back by a part of what there is and lets nothing go on, and says why', async () => {
    const [whole] = await looks({ data: data(bad) });
    assert.equal(whole?.assessment.verdict.word, 'rollback', 'whole data is believed');
    for (const told of [bad, good]) {
      const [found] = await looks({ data: part(data(told)) });
      assert.deepEqual([found?.assessment.verdict.word, found?.assessment.verdict.alarm, found?.assessment.verdict.reasons[0]?.kind], ['hold', true, 'blind']);
      assert.match(found?.assessment.data.words ?? '', /it told a part only: store-1 is down/);
    }
  });

  it('lets nothing go on by what was told before a part was, but still takes back by it', async () => {
    const [before, then, later] = await looks({ data: data(good) }, { data: part(data(bad)) }, { data: part(data(bad)), now: now + 3_600_000 });
    const said = (each: LookedAt | undefined): unknown => [each?.assessment.verdict.word, each?.assessment.verdict.alarm, each?.assessment.verdict.reasons[0]?.kind];
    assert.deepEqual([before, then, later].map(said), [['advance', false, undefined], ['hold', false, 'data'], ['hold', true, 'blind']]);
    assert.equal(then?.assessment.needsPerson, false);
    const [breach, still] = await looks({ data: data(bad) }, { data: part(data(good)) });
    assert.deepEqual([breach, still].map((each) => each?.assessment.verdict.word), ['rollback', 'rollback']);
  });
});
