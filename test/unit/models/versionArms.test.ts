import assert from 'node:assert/strict';
import { effectiveRollout } from '../../../src/core/flags/rollout.ts';
import { evidenceBadges, evidenceOf, suiteEvidenceTag, suiteEvidenceText } from '../../../src/core/models/evidence.ts';
import { armsOf, armsOfVersion, armWords, isServed } from '../../../src/core/models/versionArms.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { INTERNAL, production, rolloutStrategy } from '../flags/flagSupport.ts';

describe('where a version is out', () => {
  const mapping = (text: string) => loadWorkspaceFile(`version: 1\nmodels:\n  fraud: ${text}\n`).config!.models[0]!;
  const aliases: Readonly<Record<string, string>> = { champion: '1', challenger: '2', shadow: '3' };
  const resolve = (name: string): string | undefined => aliases[name] ?? (/^\d+$/.test(name) ? name : undefined);

  it('is known from flag, switches, aliases and versions of the mapping', () => {
    const plain = mapping('{flag: fraud-v2}');
    assert.deepEqual(armsOfVersion(plain, '2', resolve), [{ flag: 'fraud-v2', on: true, role: 'candidate', name: 'challenger' }]);
    assert.deepEqual(armsOfVersion(plain, '1', resolve), [{ flag: 'fraud-v2', on: false, role: 'current', name: 'champion' }]);
    assert.deepEqual(armsOfVersion(plain, '3', resolve), []);
    const several = mapping('{current: 7, candidate: "9", switches: [{flag: a}, {flag: b, on: shadow, off: candidate}]}');
    assert.deepEqual(armsOf(several).map(({ flag, on, role, name }) => [flag, on, role, name]), [['a', true, 'candidate', '9'], ['a', false, 'current', '7'], ['b', true, 'shadow', 'shadow'], ['b', false, 'candidate', '9']]);
    assert.deepEqual(armsOfVersion(several, '9', resolve).map(({ flag, on }) => [flag, on]), [['a', true], ['b', false]]);
  });

  const segments = new Map([[INTERNAL.id, INTERNAL]]);
  const words = (on: boolean, ...strategies: Parameters<typeof production>[1][]): [string, string, boolean, boolean] => {
    const rollout = effectiveRollout(production(on, ...strategies), segments);
    return [armWords(rollout, { on: true }), armWords(rollout, { on: false }), isServed(rollout, { on: true }), isServed(rollout, { on: false })];
  };

  it('says for both sides who gets them', () => {
    assert.deepEqual(words(true, rolloutStrategy('a', 25)), ['25 %', '75 %', true, true]);
    assert.deepEqual(words(true, rolloutStrategy('a', 25), rolloutStrategy('b', 100, { segments: [INTERNAL.id] })), ['25 % · internal 100 %', '75 % · internal 0 %', true, true]);
    assert.deepEqual(words(true, rolloutStrategy('a', 100)), ['100 %', '0 %', true, false]);
    assert.deepEqual(words(false, rolloutStrategy('a', 25)), ['off', '100 %', false, true]);
    assert.deepEqual(words(true), ['100 % (no strategies)', '0 %', true, false]);
  });

  it('gives everybody to the other side where a parent blocks the flag', () => {
    const rollout = effectiveRollout(production(true, rolloutStrategy('a', 25)), segments, { blockedBy: ['parent'], dependsOn: ['parent'] });
    assert.deepEqual([armWords(rollout, { on: false }), isServed(rollout, { on: true }), isServed(rollout, { on: false })], ['100 %', false, true]);
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
