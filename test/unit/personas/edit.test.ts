import assert from 'node:assert/strict';
import { addPersona } from '../../../src/core/personas/edit.ts';
import { personaProblems } from '../../../src/core/personas/problems.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';

const added = { name: 'EU customer', context: { userId: '0042', region: 'eu', 'a: b': 'yes # no', flag: 'true' } };

describe('adding a persona to modelswitch.yaml', () => {
  const base = '# what we release\nversion: 1   # always\nmodels:\n    fraud:   {flag: fraud-v2}   # odd indent\n';
  const cases: Record<string, [string, string]> = {
    'no personas': [base, `${base}personas:\n  - {name: EU customer, userId: "0042", properties: {region: eu, "a: b": "yes # no", flag: "true"}}\n`],
    'no line break at the end': [base.trimEnd(), `${base}personas:\n  - {name: EU customer, userId: "0042", properties: {region: eu, "a: b": "yes # no", flag: "true"}}\n`],
    'a list of lines, with comments and something behind it': [
      `version: 1\npersonas:   # who we ask for\n- name: tester # one of us\n  userId: "7"\n  # that was the tester\nmodels: {}\n`,
      `version: 1\npersonas:   # who we ask for\n- name: tester # one of us\n  userId: "7"\n- {name: EU customer, userId: "0042", properties: {region: eu, "a: b": "yes # no", flag: "true"}}\n  # that was the tester\nmodels: {}\n`,
    ],
    'a list at the end without a line break': [
      'version: 1\npersonas:\n    - {name: tester}',
      'version: 1\npersonas:\n    - {name: tester}\n    - {name: EU customer, userId: "0042", properties: {region: eu, "a: b": "yes # no", flag: "true"}}\n',
    ],
  };
  for (const [title, [before, after]] of Object.entries(cases)) it(`keeps every other byte: ${title}`, () => assert.equal(addPersona(before, added), after));

  it('keeps Windows line ends', () => {
    const text = addPersona(base.replaceAll('\n', '\r\n'), added);
    assert.ok(!/[^\r]\n/.test(text), JSON.stringify(text));
  });

  for (const [title, text] of Object.entries({ 'a flow list': 'version: 1 # one\npersonas: [{name: a}]\n', 'an empty list': 'version: 1 # one\npersonas: []\n', 'a key without value': 'version: 1 # one\npersonas:\n', 'a flow file': '{version: 1, models: {}}\n' })) {
    it(`adds to ${title}`, () => {
      const edited = addPersona(text, added);
      assert.deepEqual(loadWorkspaceFile(edited).config?.personas.at(-1)?.properties, { region: 'eu', 'a: b': 'yes # no', flag: 'true' });
      if (text.includes('#')) assert.match(edited, /# one/);
      assert.deepEqual(loadWorkspaceFile(edited).problems, []);
    });
  }

  it('refuses a name that is taken, and a file that cannot be read', () => {
    assert.throws(() => addPersona('version: 1\npersonas: [{name: EU customer}]\n', added), /already/);
    assert.throws(() => addPersona('version: 1\npersonas: [', added), /mend its problems/);
    assert.throws(() => addPersona(base, { name: 'two\nlines', context: {} }), /add it by hand/);
  });

  it('writes any name and value so that they are read back as they were', () => {
    for (const name of ['- x', '{', "it's", '"', '#1', 'null', '  spaced  ', '日本', '*a', '&b', '!c', '%d', '@e', ': ']) {
      assert.equal(loadWorkspaceFile(addPersona(base, { name, context: { userId: name } })).config?.personas[0]?.userId, name);
    }
  });
});

describe('problems of personas', () => {
  const fields = [{ name: 'region', description: '', stickiness: false, legalValues: [{ value: 'eu', description: '' }, { value: 'us', description: '' }] }, { name: 'group', description: '', stickiness: false, legalValues: [] }];
  const problems = (text: string): string[] => personaProblems(loadWorkspaceFile(text).config!.personas, fields).map(({ message, severity, range }) => `${range.start.line + 1}:${range.start.column + 1} ${severity} ${message}`);

  it('names a property that is no context field, where it stands, and what was meant', () => {
    assert.deepEqual(problems('version: 1\npersonas:\n  - name: a\n    properties:\n      regoin: eu\n      group: x\n      tenant: t\n      toString: y\n'), [
      '5:7 information Unleash has no context field "regoin", so hardly any condition asks for it. Did you mean "region"?',
      '7:7 information Unleash has no context field "tenant", so hardly any condition asks for it. Create it in Unleash, or correct the name.',
      '8:7 information Unleash has no context field "toString", so hardly any condition asks for it. Create it in Unleash, or correct the name.',
    ]);
  });

  it('names a value that is not legal, and says nothing about fields that every SDK has', () => {
    assert.deepEqual(problems('version: 1\npersonas: [{name: a, properties: {region: uk, remoteAddress: 10.0.0.1, group: any}}, {name: b, properties: {region: mars}}]\n'), [
      '2:35 information "uk" is no legal value of the context field region. Did you mean "us"?',
      '2:109 information "mars" is no legal value of the context field region. There are: eu, us.',
    ]);
  });
});
