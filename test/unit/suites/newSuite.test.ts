import assert from 'node:assert/strict';
import type { SignatureState } from '../../../src/core/models/model.ts';
import { signatureFromLists } from '../../../src/core/models/signature.ts';
import { loadSuite } from '../../../src/core/suites/load.ts';
import { newSuiteText } from '../../../src/core/suites/newSuite.ts';
import { FunctionSubject, run } from '../../support/suiteRuns.ts';

const text = (signature: SignatureState, servable = true): string => newSuiteText({ model: 'fraud', registered: 'detector', version: '14', signature, servable });
const known = (inputs: unknown[], outputs: unknown[]): SignatureState => signatureFromLists({ inputs, outputs });

describe('a new suite from a signature', () => {
  const signatures: Readonly<Record<string, { readonly signature: SignatureState; readonly tests: readonly string[]; readonly output: unknown; readonly answer: unknown }>> = {
    'scores by named columns': {
      signature: known([{ name: 'income', type: 'double' }, { name: 'visits', type: 'long' }, { name: 'country', type: 'string' }], [{ name: 'score', type: 'double' }]),
      tests: ['edges', 'column-order', 'country-blind', 'income-up'], output: { score: '$.predictions[0]["score"]' }, answer: { predictions: [{ score: 0.5 }] },
    },
    'a plain number': { signature: known([{ name: 'visits', type: 'long' }], [{ type: 'double' }]), tests: ['edges', 'column-order', 'visits-up'], output: { score: '$.predictions[0]' }, answer: { predictions: [0.5] } },
    'a label only': { signature: known([{ name: 'age', type: 'integer' }, { name: 'on', type: 'string' }], [{ type: 'string' }]), tests: ['edges', 'column-order', 'on-blind'], output: { label: '$.predictions[0]' }, answer: { predictions: ['yes'] } },
    probabilities: {
      signature: known([{ name: 'age', type: 'float' }], [{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 2] } }]),
      tests: ['edges', 'column-order', 'age-up'], output: { proba: '$.predictions[0]' }, answer: { predictions: [[0.4, 0.6]] },
    },
    'names that YAML would take otherwise': {
      signature: known([{ name: 'loan: amount #1', type: 'double' }, { name: 'yes', type: 'boolean' }, { name: '{x}', type: 'datetime' }], []),
      tests: ['edges', 'column-order', 'loan-amount-1-up'], output: { score: '$.predictions[0]' }, answer: { predictions: [0.5] },
    },
  };
  for (const [name, { signature, tests, output, answer }] of Object.entries(signatures)) {
    it(`parses without a problem and runs: ${name}`, async () => {
      const { suite, problems } = loadSuite(text(signature));
      assert.deepEqual(problems, []);
      assert.deepEqual([suite!.tests.map(({ id }) => id), suite!.output, suite!.model], [tests, output, 'fraud']);
      const columns = signature.kind === 'known' ? signature.inputs ?? [] : [];
      const { report } = await run(suite!, new FunctionSubject(() => ({ document: answer as never })), { columns });
      assert.deepEqual(report.suites[0]!.tests.filter(({ outcome }) => outcome === 'error').map(({ id, message }) => [id, message]), []);
      assert.equal(report.suites[0]!.tests[0]!.outcome, 'passed');
    });
  }

  it('asks a server where a version cannot be served', () => {
    assert.match(text(known([{ name: 'a', type: 'double' }], []), false), /^subject: \{http: "\$\{MODEL_URL\}"\}$/m);
  });

  it('says why there is nothing to start from', () => {
    assert.throws(() => text({ kind: 'missing', reason: 'The model was logged without one.' }), { code: 'validation', message: 'detector 14 has no signature to start from: The model was logged without one.' });
    assert.throws(() => text(known([{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 3] } }], [])), { code: 'validation', message: /names no columns/ });
  });
});
