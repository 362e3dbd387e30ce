import assert from 'node:assert/strict';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { semanticProblems, type WorkspaceFacts } from '../../../src/core/workspace/semantics.ts';
import { nearest } from '../../../src/core/workspace/suggest.ts';

const CONTENT = `version: 1
unleash: {url: http://localhost:4242, project: defualt, environment: prodution}
models:
  fraud: {flag: fruad-v2}
  churn: {switches: [{flag: churn-v1}, {flag: churn-old}]}
`;

function problems(facts: WorkspaceFacts): [string, string, string][] {
  const { config } = loadWorkspaceFile(CONTENT);
  assert.ok(config);
  return semanticProblems(config, facts).map(({ code, message, range }) => [code, CONTENT.slice(range.start.offset, range.end.offset), message]);
}

describe('what the server knows of modelswitch.yaml', () => {
  it('says nothing while nothing is loaded', () => {
    assert.deepEqual(problems({}), []);
    assert.deepEqual(problems({ archived: new Set() }), []);
  });

  it('names unknown flags and what was likely meant, at their place', () => {
    assert.deepEqual(problems({ flags: new Set(['fraud-v2', 'churn-v1']), archived: new Set(['churn-old']) }), [
      ['unknownFlag', 'fruad-v2', 'Unleash has no flag "fruad-v2" in this project. Did you mean "fraud-v2"?'],
      ['archivedFlag', 'churn-old', 'The flag "churn-old" is archived: revive it in Unleash, or map the model to another flag.'],
    ]);
    assert.deepEqual(problems({ flags: new Set(['fruad-v2', 'churn-v1']) }).map(([, , message]) => message), ['Unleash has no flag "churn-old" in this project. Did you mean "churn-v1"?']);
    assert.deepEqual(problems({ flags: new Set(['fruad-v2', 'churn-v1', 'churn-old']), archived: new Set(['fruad-v2']) }), [], 'a revived flag is active');
  });

  it('names unknown environments and projects', () => {
    assert.deepEqual(problems({ environments: ['development', 'production'], projects: ['default'] }), [
      ['unknownProject', 'defualt', 'Unleash has no project "defualt", or you may not see it. Did you mean "default"?'],
      ['unknownEnvironment', 'prodution', 'Unleash has no environment "prodution", or you may not see it. Did you mean "production"?'],
    ]);
    assert.deepEqual(problems({ environments: ['x'] }).map(([, , message]) => message), ['Unleash has no environment "prodution", or you may not see it. There are: x.']);
    assert.deepEqual(problems({ environments: [] }).map(([, , message]) => message), ['Unleash has no environment "prodution", or you may not see it.']);
  });
});

describe('guessing what was meant', () => {
  it('finds the nearest name: fewest edits, at most a third of the letters', () => {
    assert.equal(nearest('fraud', ['fruad-v2', 'frau', 'freud', 'fraud2']), 'frau');
    assert.equal(nearest('regsitry', ['registry', 'models']), 'registry');
    assert.equal(nearest('no', ['on']), 'on', 'two neighbours swapped are one edit');
    assert.equal(nearest('Production', ['production']), 'production');
    assert.equal(nearest('abc', ['xyz', 'abxyz']), undefined);
    assert.equal(nearest('a', []), undefined);
    assert.equal(nearest('x'.repeat(201), ['x'.repeat(200)]), undefined);
  });
});
