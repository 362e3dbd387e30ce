import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { checkLock, digestOf, lockText, lockVersion, readLock, type Bundle } from '../../../src/core/models/lock.ts';
import type { Signature, VersionDetail } from '../../../src/core/models/model.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const same = { files: [] };

const signature: Signature = { kind: 'known', inputs: [{ name: 'amount', type: { kind: 'scalar', type: 'double' }, required: true }] };
const detail = (more: Partial<VersionDetail> = {}): VersionDetail => ({
  model: 'fraud', version: '14', aliases: [], status: 'ready', description: '', tags: {}, runId: 'r1', params: {}, metrics: {}, datasets: [{ name: 'train', digest: 'abc' }],
  code: {}, signature, artifact: { uri: 'x', sha256: 'a'.repeat(64) }, gaps: [], evidence: {}, ...more,
});
const bundle = (more: Partial<VersionDetail> = {}): Bundle => ({
  application: 'c'.repeat(40),
  models: { fraud: { registered: 'fraud-detector', current: lockVersion(detail({ version: '13' }), [], sha256), candidate: lockVersion(detail(more), [{ path: 'data.csv', hash: 'f00', state: 'same' }], sha256), suites: digestOf(['a b'], sha256) } },
});

describe('the lock of a release', () => {
  it('reads back what it writes, and is the same text for the same bundle', () => {
    const text = lockText(bundle());
    assert.match(text, /^# Written by `modelswitch lock`, checked by `modelswitch check`/);
    assert.deepEqual(readLock(text), { bundle: bundle(), problems: [] });
    const shuffled: Bundle = { models: { b: bundle().models['fraud']!, a: bundle().models['fraud']! } };
    assert.equal(lockText(shuffled), lockText({ models: { a: bundle().models['fraud']!, b: bundle().models['fraud']! } }));
  });

  it('finds nothing where nothing has changed, in whatever order the registry tells a signature', () => {
    const turned = { kind: 'known', inputs: [{ required: true, type: { type: 'double', kind: 'scalar' }, name: 'amount' }] } as Signature;
    assert.deepEqual(checkLock(bundle(), bundle({ signature: turned }), same), []);
  });

  const changes: { name: string; now: () => Bundle; part: string; says: RegExp }[] = [
    { name: 'another version', now: () => bundle({ version: '15' }), part: 'version', says: /^fraud: candidate version 14 -> 15\. Run `modelswitch lock`/ },
    { name: 'another run', now: () => bundle({ runId: 'r2' }), part: 'run', says: /the run of candidate version 14 is another one/ },
    { name: 'other files', now: () => bundle({ artifact: { uri: 'x', sha256: 'b'.repeat(64) } }), part: 'artifact', says: /the artifact .* is another one/ },
    { name: 'files without a digest', now: () => bundle({ artifact: { uri: 'x' } }), part: 'artifact', says: /is not known any more/ },
    { name: 'another signature', now: () => bundle({ signature: { kind: 'known', inputs: [] } }), part: 'signature', says: /the signature/ },
    { name: 'a broken signature', now: () => bundle({ signature: { kind: 'broken', reason: 'x' } }), part: 'signature', says: /is not known any more/ },
    { name: 'other data', now: () => ({ models: { fraud: { ...bundle().models['fraud']!, candidate: lockVersion(detail(), [{ path: 'data.csv', hash: 'f01', state: 'same' }], sha256) } } }), part: 'data', says: /the data of candidate/ },
    { name: 'other suites', now: () => ({ models: { fraud: { ...bundle().models['fraud']!, suites: digestOf(['a c'], sha256) } } }), part: 'suites', says: /its suites/ },
    { name: 'no candidate', now: () => ({ models: { fraud: { registered: 'fraud-detector', current: bundle().models['fraud']!.current!, suites: bundle().models['fraud']!.suites! } } }), part: 'version', says: /14 -> none/ },
    { name: 'another registered model', now: () => ({ models: { fraud: { ...bundle().models['fraud']!, registered: 'other' } } }), part: 'model', says: /fraud-detector -> other/ },
    { name: 'a model less', now: () => ({ models: {} }), part: 'model', says: /in modelswitch\.lock, but not in modelswitch\.yaml/ },
    { name: 'a model more', now: () => ({ models: { ...bundle().models, x: bundle().models['fraud']! } }), part: 'model', says: /x is not in modelswitch\.lock/ },
  ];
  for (const { name, now, part, says } of changes) {
    it(`finds ${name}`, () => {
      const findings = checkLock(bundle(), now(), same);
      assert.deepEqual(findings.map((finding) => [finding.severity, finding.part]), [['error', part]]);
      assert.match(findings[0]!.message, says);
    });
  }

  it('warns of an application that moved on, or cannot be compared', () => {
    assert.deepEqual(checkLock(bundle(), bundle(), { files: ['app/main.py', 'README.md'] }), [{ severity: 'warning', part: 'application', message: 'The application has changed since it was locked: app/main.py and 1 more.' }]);
    assert.deepEqual(checkLock(bundle(), bundle(), { files: [], unknown: 'Shallow.' })[0]?.message, 'Shallow.');
  });

  it('takes the data sets of the registry where the lineage has no hashes, and nothing where there are none', () => {
    assert.equal(lockVersion(detail(), [], sha256).data, digestOf(['train abc'], sha256));
    assert.deepEqual(lockVersion(detail({ datasets: [], signature: { kind: 'missing', reason: '' }, artifact: { uri: 'x' } }), [], sha256), { version: '14', run: 'r1' });
    assert.equal(lockVersion(detail(), [{ path: 'a', hash: '1', state: 'same' }, { path: 'b', hash: '2', state: 'same' }], sha256).data, lockVersion(detail(), [{ path: 'b', hash: '2', state: 'changed' }, { path: 'a', hash: '1', state: 'same' }], sha256).data);
  });

  for (const [name, text, says] of [
    ['a merge', lockText(bundle()).replace('models:', '<<<<<<< HEAD\nmodels:'), /conflict markers .* run `modelswitch lock`/],
    ['another format', 'version: 2\nmodels: {}\n', /not one of this version \(version\)/],
    ['a digest that is none', lockText(bundle()).replace(/sha256:\w+/, 'sha256:x'), /not one of this version \(models\.fraud/],
    ['no YAML', 'models: [', /Not valid YAML/],
    ['nothing', '', /not one of this version/],
  ] as const) {
    it(`refuses ${name}, with the mend`, () => {
      const { bundle: read, problems } = readLock(text);
      assert.equal(read, undefined);
      assert.match(problems[0]!.message, says);
    });
  }
});
