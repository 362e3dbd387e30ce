import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { pin } from '../../../src/core/flags/titles.ts';
import { armsOf, metricWords, movedPins, movedWords, wantedDetails, type FlagArms } from '../../../src/core/models/mapping.ts';
import { mappingProblems } from '../../../src/core/models/mappingProblems.ts';
import { isBetter, modelWords } from '../../../src/core/models/mappingWords.ts';
import { payloadVersion } from '../../../src/core/models/payloadVersion.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { flagOf, registryView, type FakeModels } from './mappingSupport.ts';

const MODELS: FakeModels = {
  'fraud-detector': { aliases: { champion: '13', challenger: '14' }, versions: { 12: { auc: 0.8 }, 13: { auc: 0.908, loss: 0.3, val_rmse: 2 }, 14: { auc: 0.914, loss: 0.2, val_rmse: 1 } } },
  ranker: { aliases: { champion: '2' }, versions: { 2: {}, 3: {} } },
};
const file = (models: string): string => `version: 1\nmodels:\n${models}`;
const FRAUD = '  fraud: {flag: fraud-v2, registered_model: fraud-detector}\n';

function arms(models: string, view = registryView(MODELS), flag?: Parameters<typeof armsOf>[3]): FlagArms[] {
  const { config } = loadWorkspaceFile(file(models));
  return armsOf(config!.models, 'fraud-v2', view, flag, 'production');
}
const words = (models: string, more: Parameters<typeof arms> extends [string, ...infer Rest] ? Partial<Rest> : never = []): string => modelWords(arms(models, ...more)[0]!);

describe('the model behind a flag', () => {
  it('is named by version, alias and offline metric of both sides', () => {
    assert.equal(words(FRAUD), 'fraud v14 (challenger) · AUC 0.914 vs 0.908 offline');
    assert.equal(modelWords(arms(FRAUD)[0]!, { withMetric: false }), 'fraud v14 (challenger)');
    assert.equal(words('  fraud: {flag: fraud-v2, registered_model: fraud-detector, current: "12", candidate: 13}\n'), 'fraud v13 (champion) · AUC 0.908 vs 0.800 offline');
    assert.equal(words('  fraud: {switches: [{flag: fraud-v2, on: current, off: "12"}], registered_model: fraud-detector}\n'), 'fraud v13 (champion) · AUC 0.908 vs 0.800 offline');
  });

  it('is what the file calls it while nothing is known, and says what the registry lacks', () => {
    assert.equal(modelWords(arms(FRAUD, registryView(undefined))[0]!), 'fraud candidate');
    assert.equal(modelWords(armsOf(loadWorkspaceFile(file(FRAUD)).config!.models, 'fraud-v2', undefined)[0]!), 'fraud candidate');
    assert.equal(words('  fraud: {flag: fraud-v2, candidate: "14"}\n'), 'fraud v14');
    assert.equal(words('  fraud: {flag: fraud-v2, registered_model: ranker}\n'), 'fraud challenger (not in the registry)');
  });

  it('may be several: an ensemble has several flags, one flag several models', () => {
    const both = arms(`  fraud: {switches: [{flag: fraud-v2}, {flag: fraud-eu, on: "12"}], registered_model: fraud-detector}\n  ranking: {flag: fraud-v2, registered_model: ranker, candidate: "3"}\n`);
    assert.deepEqual(both.map((each) => modelWords(each)), ['fraud v14 (challenger) · AUC 0.914 vs 0.908 offline', 'ranking v3']);
    assert.deepEqual(wantedDetails(both), [{ model: 'fraud-detector', name: 'challenger' }, { model: 'fraud-detector', name: 'champion' }, { model: 'ranker', name: '3' }, { model: 'ranker', name: 'champion' }]);
  });

  it('shows the metric that the mapping names, and says by its name or the file which value is the better', () => {
    const named = (metric: string): FlagArms => arms(`  fraud: {flag: fraud-v2, registered_model: fraud-detector, metric: ${metric}}\n`)[0]!;
    assert.deepEqual([modelWords(named('val_rmse')), isBetter(named('val_rmse'))], ['fraud v14 (challenger) · val_rmse 1.000 vs 2.000 offline', true]);
    assert.equal(isBetter(named('{name: val_rmse, better: higher}')), false);
    assert.equal(modelWords(named('nowhere')), 'fraud v14 (challenger)');
  });

  it('has no metric when the two versions share none of the usual names but several others', () => {
    const view = registryView({ 'fraud-detector': { aliases: { champion: '1', challenger: '2' }, versions: { 1: { a: 1, b: 2, only1: 3 }, 2: { a: 1, b: 2 } } } });
    assert.equal(modelWords(arms(FRAUD, view)[0]!), 'fraud v2 (challenger)');
    const single = registryView({ 'fraud-detector': { aliases: { champion: '1', challenger: '2' }, versions: { 1: { lift: 1.5 }, 2: { lift: NaN } } } });
    assert.deepEqual([modelWords(arms(FRAUD, single)[0]!), isBetter(arms(FRAUD, single)[0]!)], ['fraud v2 (challenger) · lift NaN vs 1.500 offline', undefined]);
  });

  it('is told by variant where payloads or the file say so', () => {
    const variant = (name: string, value?: string): { name: string; weight: number; weightType: 'fix'; stickiness: string; payload?: { type: string; value: string } } =>
      ({ name, weight: 500, weightType: 'fix', stickiness: 'userId', ...(value === undefined ? {} : { payload: { type: 'json', value } }) });
    const flag = flagOf('fraud-v2', [rolloutStrategy('a', 25, { variants: [variant('treatment', '{"model_version": "14"}'), variant('control', 'models:/fraud-detector@champion'), variant('other', '{"colour": "blue"}')] })]);
    assert.equal(modelWords(arms(FRAUD, registryView(MODELS), flag)[0]!, { byVariant: true }), 'fraud treatment v14 (challenger) / control v13 (champion)');
    const mapped = arms('  fraud: {switches: [{flag: fraud-v2, variants: {other: "12", treatment: current}}], registered_model: fraud-detector}\n', registryView(MODELS), flag)[0]!;
    assert.equal(modelWords(mapped, { byVariant: true }), 'fraud treatment v13 (champion) / control v13 (champion) / other v12');
  });

  it('keeps server text from being obeyed', () => {
    const view = registryView({ 'fraud-detector': { aliases: { champion: '1', '$(zap)\n[x](command:y)': '2' }, versions: { 1: {}, 2: { '$(zap)auc\u202e': 1 } } } });
    const text = words('  fraud: {flag: fraud-v2, registered_model: fraud-detector, candidate: "2"}\n', [view]);
    assert.doesNotMatch(text, /\$\(|\]\(|\n|\u202e/);
  });
});

describe('a pin and the alias that it came from', () => {
  const pins = [pin('fraud', '14', '13')];
  it('agree until the alias moves', () => {
    const [before] = arms(FRAUD);
    assert.deepEqual(movedPins(before!, pins), []);
    const [after] = arms(FRAUD, registryView({ 'fraud-detector': { aliases: { champion: '13', challenger: '15' }, versions: { 13: {}, 15: {} } } }));
    const moved = movedPins(after!, pins);
    assert.deepEqual(moved.map(movedWords), ['challenger moved from v14 to v15']);
    assert.equal(modelWords(after!, { moved }), 'fraud: challenger moved from v14 to v15');
  });

  it('say nothing of a registry that does not answer, nor of another model', () => {
    assert.deepEqual(movedPins(arms(FRAUD, registryView(undefined))[0]!, pins), []);
    assert.deepEqual(movedPins(arms(FRAUD)[0]!, [pin('other', '1', '2')]), []);
  });

  it('differ without a registry when the file itself names another version', () => {
    const [edited] = arms('  fraud: {flag: fraud-v2, candidate: "15", current: "13"}\n', registryView(undefined));
    assert.deepEqual(movedPins(edited!, pins).map(movedWords), ['the mapping names v15, the release pinned v14']);
  });
});

describe('payloads that carry a version', () => {
  const of = (value: string, type = 'json'): string | undefined => {
    const found = payloadVersion({ type, value });
    return found && `${found.model ?? ''}:${found.version}`;
  };
  for (const [value, expected] of [
    ['14', ':14'], ['v14', ':14'], [' 2.1.0 ', ':2.1.0'], ['models:/fraud/14', 'fraud:14'], ['models:/fraud@challenger', 'fraud:challenger'], ['fraud:2.2', 'fraud:2.2'],
    ['{"model_version": "14"}', ':14'], ['{"model_version": 14}', ':14'], ['{"version": "v3", "model": "fraud"}', 'fraud:3'], ['{"model": "fraud:2.1.0"}', 'fraud:2.1.0'],
    ['{"model_uri": "models:/fraud@challenger", "colour": "red"}', 'fraud:challenger'],
  ] as const) it(`reads ${value}`, () => assert.equal(of(value), expected));
  for (const value of ['', 'blue', '{"colour": "14"}', '{"model_version": true}', '{"model_version": ', '[14]', '{"version": "latest and greatest"}', '{"__proto__": {"version": "14"}}', 'http://host:80/x'])
    it(`makes nothing of ${value}`, () => assert.equal(of(value), undefined));
  it('does not take a list of values for a version', () => assert.equal(of('14', 'csv'), undefined));
});

describe('a metric in a line', () => {
  for (const [value, other, expected] of [[0.914, 0.908, '0.914'], [0.91412, 0.91433, '0.9141'], [0.5, 0.5, '0.500'], [12.3456, 11, '12.3'], [123456, 1, '123456'], [NaN, 1, 'NaN'], [-Infinity, 1, '-Infinity']] as const)
    it(`${value} beside ${other} is ${expected}`, () => assert.equal(metricWords(value, other), expected));
});

describe('what modelswitch.yaml names and the registry has not', () => {
  const content = file(`  fraud:
    switches: [{flag: fraud-v2, on: chalenger, variants: {treatmnt: candidate}}]
    registered_model: fraud-detector
    candidate: "41"
  ranking: {flag: ranking, registered_model: rankr}
`);
  const flag = flagOf('fraud-v2', [rolloutStrategy('a', 25, { variants: [{ name: 'treatment', weight: 1000, weightType: 'fix', stickiness: 'userId' }] })]);
  const problems = (view = registryView(MODELS)): [string, string, string][] =>
    mappingProblems(loadWorkspaceFile(content).config!, view, new Map([['fraud-v2', flag]])).map(({ code, message, range }) => [code, content.slice(range.start.offset, range.end.offset), message]);

  it('is told at its place with what was probably meant', () => {
    assert.deepEqual(problems(), [
      ['unknownVersion', '"41"', 'fraud-detector has no version "41". Did you mean "14"?'],
      ['unknownVersion', 'chalenger', 'fraud-detector has no version or alias "chalenger". Did you mean "challenger"?'],
      ['unknownVariant', 'treatmnt', 'The flag "fraud-v2" has no variant "treatmnt". Did you mean "treatment"?'],
      ['unknownModel', 'rankr', 'The registry has no model "rankr". Did you mean "ranker"?'],
    ]);
  });

  it('is not told while nothing is loaded or the registry fails', () => {
    assert.deepEqual(problems(registryView(undefined)).map(([code]) => code), ['unknownVariant']);
    assert.deepEqual(problems(registryView(undefined, new AppError('network', 'away'))).map(([code]) => code), ['unknownVariant']);
    assert.deepEqual(mappingProblems(loadWorkspaceFile(content).config!, undefined, undefined), []);
  });

  it('does not miss a candidate that nobody wrote: there is none between two releases', () => {
    const between = file('  ranking: {flag: ranking, registered_model: ranker}\n');
    assert.deepEqual(mappingProblems(loadWorkspaceFile(between).config!, registryView(MODELS), undefined), []);
    const written = file('  ranking: {flag: ranking, registered_model: ranker, candidate: challenger}\n');
    assert.equal(mappingProblems(loadWorkspaceFile(written).config!, registryView(MODELS), undefined).length, 1);
  });
});
