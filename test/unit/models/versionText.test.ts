import assert from 'node:assert/strict';
import { parse } from 'yaml';
import type { VersionDetail } from '../../../src/core/models/model.ts';
import { comparisonText, versionText, type VersionPage } from '../../../src/core/models/versionText.ts';

const detail: VersionDetail = {
  model: 'team/frau "d"', version: '14', aliases: ['challenger'], status: 'ready', description: 'two\nlines', tags: {}, createdAt: Date.UTC(2026, 0, 2), user: 'alice',
  params: { solver: 'lbfgs', C: '1.0' }, metrics: { loss: Number.NaN, auc: 0.9, peak: Infinity }, datasets: [{ name: 'train', digest: 'd1', context: 'training' }],
  code: { commit: 'a'.repeat(40) }, signature: { kind: 'known', inputs: [{ name: 'x', type: { kind: 'scalar', type: 'double' }, required: false }] }, evidence: {}, gaps: ['Its run is gone.'],
};
const page: VersionPage = { registry: 'http://mlflow', links: {}, out: [], gaps: ['no git'] };

describe('a version as text', () => {
  it('is YAML that says everything that is known and nothing that is not', () => {
    assert.deepEqual(parse(versionText(detail, page)), {
      model: 'team/frau "d"', version: '14', registry: 'http://mlflow', aliases: ['challenger'], status: 'ready', description: 'two lines', registered: '2026-01-02 00:00:00 UTC by alice',
      code: { commit: 'a'.repeat(40) }, data: [{ name: 'train', used_for: 'training', digest: 'd1' }], parameters: { C: '1.0', solver: 'lbfgs' }, metrics: { auc: 0.9, loss: Number.NaN, peak: Infinity },
      signature: { inputs: { x: 'double, optional' } }, gaps: ['Its run is gone.', 'no git'],
    });
  });

  it('says what keeps a signature from being known', () => {
    assert.equal((parse(versionText({ ...detail, signature: { kind: 'broken', reason: 'inputs is no JSON.' } }, page)) as { signature: string }).signature, 'broken: inputs is no JSON.');
  });

  it('hides and reorders nothing, whatever names and values hold', () => {
    const text = versionText({ ...detail, params: { 'a\u202eb: c\n- d': 'x\u0000\u200b\r\ny', __proto__: 'z' } }, page);
    // eslint-disable-next-line no-control-regex -- that no control character is left is what is tested
    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u200b-\u200f\u202a-\u202e]/);
    assert.deepEqual((parse(text) as { parameters: unknown }).parameters, { 'a b: c - d': 'x y' });
  });

  it('compares the same parts in the same order, also those that a version does not have', () => {
    const bare: VersionDetail = { ...detail, params: {}, metrics: {}, datasets: [], code: {}, signature: { kind: 'missing', reason: 'none was logged.' } };
    const sections = (each: VersionDetail): string[] => comparisonText(each).split('\n').filter((line) => /^\w/.test(line)).map((line) => line.replace(/:.*/, ''));
    assert.deepEqual(sections(detail), ['parameters', 'metrics', 'data', 'signature', 'code', 'artifact']);
    assert.deepEqual(sections(bare), sections(detail));
    const shuffled: VersionDetail = { ...detail, params: { C: '1.0', solver: 'lbfgs' }, metrics: { peak: Infinity, auc: 0.9, loss: Number.NaN } };
    assert.equal(comparisonText(shuffled), comparisonText(detail));
  });
});
