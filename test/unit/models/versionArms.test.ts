import assert from 'node:assert/strict';
import type { Flag, StrategyVariant } from '../../../src/core/flags/model.ts';
import { effectiveRollout } from '../../../src/core/flags/rollout.ts';
import { evidenceBadges, evidenceOf, suiteEvidenceTag, suiteEvidenceText } from '../../../src/core/models/evidence.ts';
import { armsOf, armsOfModel, armsOfVersion, armWords, isServed, type ArmPlace } from '../../../src/core/models/versionArms.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { INTERNAL, production, rolloutStrategy } from '../flags/flagSupport.ts';

describe('where a version is out', () => {
  const mapping = (text: string) => loadWorkspaceFile(`version: 1\nmodels:\n  fraud: ${text}\n`).config!.models[0]!;
  const aliases: Readonly<Record<string, string>> = { champion: '1', challenger: '2', shadow: '3' };
  const resolve = (name: string): string | undefined => aliases[name] ?? (/^\d+$/.test(name) ? name : undefined);

  it('is known from flag, switches, aliases and versions of the mapping', () => {
    const plain = mapping('{flag: fraud-v2}');
    assert.deepEqual(armsOfVersion(armsOf(plain), '2', resolve), [{ flag: 'fraud-v2', on: true, role: 'candidate', name: 'challenger' }]);
    assert.deepEqual(armsOfVersion(armsOf(plain), '1', resolve), [{ flag: 'fraud-v2', on: false, role: 'current', name: 'champion' }]);
    assert.deepEqual(armsOfVersion(armsOf(plain), '3', resolve), []);
    const several = mapping('{current: 7, candidate: "9", switches: [{flag: a}, {flag: b, on: shadow, off: candidate}]}');
    assert.deepEqual(armsOf(several).map(({ flag, on, role, name }) => [flag, on, role, name]), [['a', true, 'candidate', '9'], ['a', false, 'current', '7'], ['b', true, 'shadow', 'shadow'], ['b', false, 'candidate', '9']]);
    assert.deepEqual(armsOfVersion(armsOf(several), '9', resolve).map(({ flag, on }) => [flag, on]), [['a', true], ['b', false]]);
  });

  const segments = new Map([[INTERNAL.id, INTERNAL]]);
  const placeOf = (environment: ReturnType<typeof production>, parents?: Parameters<typeof effectiveRollout>[2]): ArmPlace => ({ environment, segments, rollout: effectiveRollout(environment, segments, parents) });
  const words = (on: boolean, ...strategies: Parameters<typeof production>[1][]): [string, string, boolean, boolean] => {
    const place = placeOf(production(on, ...strategies));
    return [armWords(place, { on: true }), armWords(place, { on: false }), isServed(place, { on: true }), isServed(place, { on: false })];
  };

  it('says for both sides who gets them', () => {
    assert.deepEqual(words(true, rolloutStrategy('a', 25)), ['25 %', '75 %', true, true]);
    assert.deepEqual(words(true, rolloutStrategy('a', 25), rolloutStrategy('b', 100, { segments: [INTERNAL.id] })), ['25 % · internal 100 %', '75 % · internal 0 %', true, true]);
    assert.deepEqual(words(true, rolloutStrategy('a', 100)), ['100 %', '0 %', true, false]);
    assert.deepEqual(words(false, rolloutStrategy('a', 25)), ['off', '100 %', false, true]);
    assert.deepEqual(words(true), ['100 % (no strategies)', '0 %', true, false]);
  });

  it('gives everybody to the other side where a parent blocks the flag', () => {
    const place = placeOf(production(true, rolloutStrategy('a', 25)), { blockedBy: ['parent'], dependsOn: ['parent'] });
    assert.deepEqual([armWords(place, { on: false }), isServed(place, { on: true }), isServed(place, { on: false }), isServed(place, variant('treatment'))], ['100 %', false, true, false]);
  });

  const split = (...weights: readonly [name: string, weight: number, payload?: string][]): StrategyVariant[] => weights.map(([name, weight, payload]) =>
    ({ name, weight, weightType: 'variable', stickiness: 'userId', ...(payload === undefined ? {} : { payload: { type: 'string', value: payload } }) }));
  const variant = (name: string) => ({ on: true, variant: { name, environments: ['production'] } });

  it('counts variants whose payload or mapping names the version, per environment and model', () => {
    const environments = [
      { ...production(true, rolloutStrategy('a', 50, { variants: split(['treatment', 300, '9'], ['control', 700, 'models:/fraud-detector@champion'], ['other', 0, 'models:/spam/9'], ['text', 0, 'hello']) })), name: 'development' },
      production(true, rolloutStrategy('a', 50, { variants: split(['treatment', 300, '{"model_version": 8}'], ['shadowed', 700]) })),
    ];
    const flag: Flag = { name: 'fraud-v2', project: 'default', type: 'release', description: '', stale: false, archived: false, impressionData: false, blockedIn: [], dependencies: [], environments };
    const model = mapping('{registered_model: fraud-detector, switches: [{flag: fraud-v2, variants: {shadowed: shadow}}]}');
    const out = (registered: string, version: string): unknown[] => armsOfVersion(armsOfModel(model, registered, (name) => (name === 'fraud-v2' ? flag : undefined)), version, resolve).map(({ role, variant: found }) => [role, found?.environments]);
    assert.deepEqual(out('fraud-detector', '9'), [['variant treatment', ['development']]]);
    assert.deepEqual(out('fraud-detector', '8'), [['variant treatment', ['production']]]);
    assert.deepEqual(out('fraud-detector', '1'), [['current', undefined], ['variant control', ['development']]]);
    assert.deepEqual(out('fraud-detector', '3'), [['variant shadowed', ['production']]]);
    assert.deepEqual(out('spam', '9'), [['variant other', ['development']]], 'a payload may name a model that nothing maps');
    assert.deepEqual(out('spam', '2'), [], 'the mapping speaks of its own model');
    assert.deepEqual(armsOfModel(model, 'fraud-detector', () => undefined), armsOf(model), 'a flag that is not known');
  });

  it('says for a variant which part of everybody gets it', () => {
    const says = (environment: ReturnType<typeof production>, name = 'treatment'): unknown => [armWords(placeOf(environment), variant(name)), isServed(placeOf(environment), variant(name))];
    const variants = split(['treatment', 300], ['control', 700]);
    assert.deepEqual(says(production(true, rolloutStrategy('a', 50, { variants }))), ['15 %', true]);
    assert.deepEqual(says(production(true, rolloutStrategy('a', 50, { variants }), rolloutStrategy('b', 100, { segments: [INTERNAL.id], variants }))), ['15 % · internal 30 %', true]);
    assert.deepEqual(says(production(true, rolloutStrategy('a', 50, { variants })), 'gone'), ['0 %', false]);
    assert.deepEqual(says(production(true, rolloutStrategy('a', 0, { variants }))), ['0 %', false]);
    assert.deepEqual(says(production(false, rolloutStrategy('a', 50, { variants }))), ['off', false]);
    assert.deepEqual(says(production(true)), ['0 %', false], 'everybody gets the flag, and nobody a variant');
    // Those of the segment meet its own strategy first: all of them get control.
    const differing = [rolloutStrategy('b', 100, { segments: [INTERNAL.id], variants: split(['control', 1000]) }), rolloutStrategy('a', 50, { variants })];
    assert.deepEqual(says(production(true, ...differing)), ['0–15 %', true]);
  });
});

describe('evidence of a version', () => {
  it('is what tags of Modelswitch say, without what a version needs', () => {
    const tags = { team: 'risk', 'modelswitch.suite.fraud': 'pass', 'modelswitch.needs.application': '2.4', 'modelswitch.artifact.sha256': 'ab', 'modelswitch.check': 'compatible' };
    assert.deepEqual(evidenceOf(tags), { check: 'compatible', 'suite.fraud': 'pass' });
    assert.deepEqual(evidenceBadges(tags), ['check compatible', 'suite.fraud pass']);
  });

  it('of a suite is its outcome in words, and whether it is known which version answered', () => {
    const evidence = { outcome: 'failed' as const, suite: 'tests/fraud/corners.mltest.yaml', digest: 'd', subject: 'python', verified: false, seed: '7', at: '2026-01-01T00:00:00Z', tests: { passed: 12, failed: 2, errors: 0, inconclusive: 0, waived: 0 } };
    const tags = { [suiteEvidenceTag(evidence.suite)]: suiteEvidenceText(evidence) };
    assert.deepEqual(evidenceOf(tags), { 'suite.tests/fraud/corners': 'failed 2 of 14 (unverified)' });
    assert.deepEqual(evidenceBadges(tags), ['suite.corners failed 2 of 14 (unverified)']);
  });

  it('is short and text, whatever the tags are', () => {
    const tags = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((key) => [`modelswitch.${key}`, '$(bug) \u202e'.repeat(30)]));
    const badges = evidenceBadges(tags);
    assert.equal(badges.length, 4);
    assert.equal(badges[3], '2 more');
    assert.ok(badges.every((badge) => badge.length <= 49 && !badge.includes('$(') && !badge.includes('\u202e')));
  });
});
