import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { editMapping, type WrittenMapping } from '../../../src/core/workspace/writeMapping.ts';

const FRAUD: WrittenMapping = { model: 'fraud', flag: 'fraud-v2', registeredModel: 'fraud-detector', current: 'champion', candidate: '14' };

function meaning(text: string, name = 'fraud'): unknown {
  const model = loadWorkspaceFile(text).config?.models.find((each) => each.name === name);
  return model && [model.switches.map(({ flag }) => flag), model.registeredModel, model.current, model.candidate];
}
const MEANT = [['fraud-v2'], 'fraud-detector', 'champion', '14'];

describe('writing a mapping into modelswitch.yaml', () => {
  it('begins a file', () => {
    assert.equal(editMapping(undefined, FRAUD).to, 'version: 1\nmodels:\n  fraud:\n    flag: fraud-v2\n    registered_model: fraud-detector\n    current: champion\n    candidate: "14"\n');
  });

  it('adds a model behind the others and leaves comments, order and blank lines', () => {
    const text = `# ours
version: 1

models:   # all of them
    ranking:   # by search
        flag: ranking-v3  # switch

    # the next section
personas:
    - {name: x}
`;
    const { to, lines } = editMapping(text, FRAUD);
    assert.deepEqual(meaning(to), MEANT);
    assert.equal(to.replace(/ {4}fraud:\n(?: {6}.*\n){4}/, ''), text);
    assert.ok(to.indexOf('    fraud:') < to.indexOf('# the next section'));
    assert.deepEqual(lines, ['modelswitch.yaml: models.fraud is added']);
  });

  it('changes only what is other in a model that is there', () => {
    const text = 'version: 1\nmodels:\n  # the first\n  fraud: {flag: fraud-v2, registered_model: fraud-detector, candidate: challenger}   # keep\n';
    const { to, lines } = editMapping(text, FRAUD);
    assert.equal(to, text.replace('challenger', '"14"'));
    assert.deepEqual(lines, ['modelswitch.yaml: models.fraud.candidate: challenger -> 14']);
    assert.deepEqual(editMapping(to, FRAUD), { from: to, to, lines: [] });
  });

  it('gives a flag to a model without one, and knows a list of switches', () => {
    assert.deepEqual(meaning(editMapping('version: 1\nmodels:\n  fraud:\n    registered_model: fraud-detector\n', FRAUD).to), MEANT);
    const listed = 'version: 1\nmodels:\n  fraud:\n    switches: [{flag: other}, {flag: fraud-v2}]\n    registered_model: fraud-detector\n    candidate: "14"\n';
    assert.deepEqual(editMapping(listed, FRAUD).lines, []);
  });

  for (const [name, text] of [
    ['no line end', 'version: 1\nmodels:\n  ranking: {flag: r}'],
    ['Windows line ends', 'version: 1\r\nmodels:\r\n  ranking:\r\n    flag: r\r\npersonas: []\r\n'],
    ['no models', 'version: 1\nunleash: {url: http://localhost:4242}\n'],
    ['an empty text', ''],
  ] as const) {
    it(`copes with ${name}`, () => {
      const { to } = editMapping(text, FRAUD);
      assert.deepEqual(meaning(to), MEANT, to);
      assert.equal(to.includes('\r\n'), text.includes('\r\n'));
      assert.doesNotMatch(to.replaceAll('\r\n', '\n'), text.includes('\r\n') ? /\r/ : /\r/);
    });
  }

  it('keeps names that YAML would take for something else', () => {
    const odd: WrittenMapping = { model: 'yes', flag: '2026-11', registeredModel: 'a: b #c', current: '013', candidate: '1.0' };
    const { to } = editMapping('version: 1\nmodels:\n  x: {flag: y}\n', odd);
    assert.deepEqual(meaning(to, 'yes'), [['2026-11'], 'a: b #c', '013', '1.0']);
  });

  for (const [name, text, says] of [
    ['another flag', 'version: 1\nmodels:\n  fraud: {flag: other}\n', /switched by other .* add \{flag: fraud-v2\} to its switches/],
    ['features of that name', 'version: 1\nmodels:\n  fraud: {kind: features, flag: other, provides: {x: v1}}\n', /kind features/],
    ['a text that is no YAML', 'version: 1\nmodels: [', /modelswitch\.yaml:2/],
    ['models in one line', 'version: 1\nmodels: {ranking: {flag: r}}\n', /by hand/],
    ['models that are null', 'version: 1\nmodels:\npersonas: []\n', /by hand/],
  ] as const) it(`refuses ${name} with the mend`, () => assert.throws(() => editMapping(text, FRAUD), (error) => error instanceof AppError && error.code === 'validation' && says.test(error.message)));
});
