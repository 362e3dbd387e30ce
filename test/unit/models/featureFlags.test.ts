import assert from 'node:assert/strict';
import { checkCompatibility } from '../../../src/core/models/compatibility.ts';
import { loadContract } from '../../../src/core/models/contract.ts';
import { providedFeatures, type ProvidedFeatures } from '../../../src/core/models/featureFlags.ts';
import { signatureFromLists } from '../../../src/core/models/signature.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { rolloutStrategy } from '../flags/flagSupport.ts';
import { flagOf } from './mappingSupport.ts';

const { config } = loadWorkspaceFile('version: 1\nmodels:\n  tx: {kind: features, flag: tx-v3, provides: {transactions: v3, visits: 2}}\n  fraud: {flag: fraud-v2}\n');
const { contract } = loadContract('version: 1\nfeatures:\n  - {name: amount, type: double, source: transactions@v2}\n  - {name: trips, type: long, source: visits@2}\n');
const SIGNATURE = signatureFromLists({ inputs: [{ name: 'amount', type: 'double' }], outputs: [] });

/** What the set provides while its flag is at `percent`; undefined: off; 'gone': there is no such flag. */
function provided(percent: number | 'gone' | 'off' | 'child'): ProvidedFeatures[] {
  const flag = flagOf('tx-v3', [rolloutStrategy('a', typeof percent === 'number' ? percent : 100)], percent !== 'off');
  const flags = percent === 'gone' ? new Map() : new Map([['tx-v3', percent === 'child' ? { ...flag, dependencies: [{ feature: 'parent', enabled: true, variants: [] }] } : flag]]);
  return providedFeatures(config!.features ?? [], 'production', flags, new Map());
}

function verdict(needs: string, percent: Parameters<typeof provided>[0], inputs = ['amount']): string {
  const signature = inputs.includes('trips') ? signatureFromLists({ inputs: [{ name: 'trips', type: 'long' }], outputs: [] }) : SIGNATURE;
  return checkCompatibility(contract!, { signature, evidence: needs === '' ? {} : { 'modelswitch.needs.features.transactions': needs } }, provided(percent)).summary;
}

describe('features behind a flag of their own', () => {
  it('are no model, and have a flag', () => {
    assert.deepEqual(config!.models.map(({ name }) => name), ['fraud']);
    assert.deepEqual(config!.features?.map(({ name, flag, provides }) => [name, flag, provides]), [['tx', 'tx-v3', { transactions: 'v3', visits: '2' }]]);
    const incomplete = loadWorkspaceFile('version: 1\nmodels:\n  a: {kind: features}\n  b: {kind: features, flag: x}\n  c: {kind: features, flag: x, provides: {s: v1}, contract: features.yaml}\n').problems.map(({ message }) => message);
    assert.deepEqual(incomplete.map((message) => message.replace(/:.*| has flag and provides only; /, ' ')), [
      'a is of kind features and has no flag ', 'b is of kind features and does not say what it provides ', 'c is of kind features, which contract is ignored.',
    ]);
  });

  for (const [needs, percent, expected] of [
    ['v3', 0, 'needs features transactions@v3: behind `tx-v3`, off in production'],
    ['v3', 'off', 'needs features transactions@v3: behind `tx-v3`, off in production'],
    ['v3', 25, 'needs features transactions@v3: behind `tx-v3`, 25 % in production'],
    ['v3', 100, 'compatible'],
    ['v3', 'gone', 'unknown: needs features transactions@v3: behind `tx-v3`, whose state is not known in production'],
    ['v3', 'child', 'needs features transactions@v3: behind `tx-v3`, 0 % to 100 % in production'],
    ['v2', 0, 'compatible'],
    ['v2', 25, 'needs features transactions@v2, which gives way to transactions@v3 behind `tx-v3`, 25 % in production'],
    ['v2', 100, 'needs features transactions@v2, which gives way to transactions@v3 behind `tx-v3`, 100 % in production'],
    ['v1', 0, 'needs features transactions@v1, the contract has amount from transactions@v2'],
  ] as const) it(`make ${needs} ${expected.split(':')[0]} at ${percent}`, () => assert.equal(verdict(needs, percent), expected));

  it('count for columns that the contract takes from them', () => {
    assert.equal(verdict('', 0, ['trips']), 'needs features visits@2 for column trips: behind `tx-v3`, off in production');
    assert.equal(verdict('', 100, ['trips']), 'compatible');
  });
});
