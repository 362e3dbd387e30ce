import assert from 'node:assert/strict';
import { checkCompatibility, compareVersions } from '../../../src/core/models/compatibility.ts';
import { loadContract, type FeatureContract } from '../../../src/core/models/contract.ts';
import type { Facts } from '../../../src/core/models/model.ts';
import { signatureFromLists } from '../../../src/core/models/signature.ts';

const CONTRACT = `version: 1
application: {name: scoring, version: "2.3"}
features:
  - {name: amount, type: float, source: transactions@v2}
  - {name: age, type: integer, nullable: true}
  - {name: country, type: string}
  - {name: vector, type: array<double>}
outputs:
  - {name: score, type: double}
`;

function contractOf(text: string): FeatureContract {
  const { contract, problems } = loadContract(text);
  assert.ok(contract, JSON.stringify(problems));
  return contract;
}

interface Wanted { inputs?: unknown; outputs?: unknown; evidence?: Facts; contract?: string }

/** The summary, and each reason as `line verdict message`. */
function check({ inputs = [], outputs = [{ name: 'score', type: 'double' }], evidence = {}, contract = CONTRACT }: Wanted): string[] {
  const { verdict, summary, reasons } = checkCompatibility(contractOf(contract), { signature: signatureFromLists({ inputs, outputs }), evidence });
  assert.ok(summary.startsWith(verdict), summary);
  return [summary, ...reasons.filter((reason) => reason.verdict !== 'note').map((reason) => `${reason.range.start.line + 1} ${reason.verdict} ${reason.message}`)];
}

describe('compatibility', () => {
  it('is given where every column finds a feature that widens to it, and extra features are ignored', () => {
    assert.deepEqual(check({ inputs: [{ name: 'amount', type: 'double' }, { name: 'age', type: 'double' }, { name: 'vector', type: 'array', items: { type: 'double' } }] }), ['compatible']);
  });

  it('is not given for a missing required column; an optional one may be missing', () => {
    assert.deepEqual(check({ inputs: [{ name: 'visits', type: 'long' }, { name: 'extra', type: 'long', required: false }] }), ['incompatible: column visits (long) is missing', '3 incompatible column visits (long) is missing']);
  });

  it('names the line of a feature whose type does not fit', () => {
    assert.deepEqual(check({ inputs: [{ name: 'age', type: 'long' }, { name: 'amount', type: 'long' }, { name: 'country', type: 'integer' }] }), [
      'incompatible: column age: the model takes long, the application sends nullable integer, and integers with missing values are not integers',
      '5 incompatible column age: the model takes long, the application sends nullable integer, and integers with missing values are not integers',
      '4 incompatible column amount: the model takes long, the application sends float',
      '6 incompatible column country: the model takes integer, the application sends string',
    ]);
  });

  it('is never given without a signature', () => {
    for (const signature of [{ kind: 'missing', reason: 'None.' }, { kind: 'broken', reason: 'Damaged.' }] as const) {
      assert.equal(checkCompatibility(contractOf(CONTRACT), { signature, evidence: {} }).verdict, 'unknown');
    }
    const empty = contractOf('version: 1\nfeatures: []\n');
    assert.equal(checkCompatibility(empty, { signature: { kind: 'missing', reason: 'None.' }, evidence: {} }).verdict, 'unknown');
    assert.match(check({ inputs: null })[0]!, /^unknown: the signature says nothing about inputs/);
    assert.match(check({ inputs: [{ name: 'country', type: 'sparkml vector' }] })[0]!, /^unknown: column country/);
    assert.match(check({ contract: CONTRACT.replace('type: string', 'type: any'), inputs: [{ name: 'country', type: 'string' }] })[0]!, /^unknown: column country/);
  });

  it('looks at the outputs that the application reads', () => {
    assert.deepEqual(check({ outputs: [{ name: 'label', type: 'string' }] }), ['incompatible: output score is missing', '9 incompatible output score is missing']);
    assert.match(check({ outputs: [{ name: 'score', type: 'string' }] })[0]!, /^incompatible: column score: the application reads double, the model gives string/);
    assert.match(check({ outputs: [{ name: 'score', type: 'double', required: false }] })[0]!, /^incompatible: output score may be missing/);
    assert.match(check({ outputs: null })[0]!, /^unknown: .*outputs, so not about score/);
    assert.deepEqual(check({ outputs: [{ type: 'tensor', 'tensor-spec': { dtype: 'float32', shape: [-1] } }] }), ['compatible']);
    assert.match(check({ outputs: [{ type: 'double' }, { type: 'double' }] })[0]!, /^unknown: the outputs have no names/);
    assert.match(check({ outputs: [{ type: 'tensor', 'tensor-spec': { dtype: 'int64', shape: [-1] } }] })[0]!, /^incompatible: /);
  });

  it('goes by position where columns have no names', () => {
    assert.deepEqual(check({ inputs: [{ type: 'double' }, { type: 'double' }] }), ['compatible']);
    assert.match(check({ inputs: [{ type: 'string' }] })[0]!, /^incompatible: column amount/);
    assert.match(check({ inputs: Array.from({ length: 5 }, () => ({ type: 'double' })) })[0]!, /^incompatible: the model takes 5 columns, the contract has 4/);
    assert.match(check({ inputs: [{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 4] } }] })[0]!, /^unknown: the model takes a tensor float64 \(-1, 4\)/);
    assert.match(check({ inputs: [{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 9] } }] })[0]!, /^incompatible: the model takes 9 columns/);
  });

  it('says which application a version needs, before the columns that it explains', () => {
    const evidence = { 'modelswitch.needs.application': '>= 2.10' };
    const [summary, first, second] = check({ evidence, inputs: [{ name: 'visits', type: 'long' }] });
    assert.deepEqual([summary, first, second], ['needs application >= 2.10, the contract is of 2.3', '2 needs application needs application >= 2.10, the contract is of 2.3', '3 incompatible column visits (long) is missing']);
    assert.deepEqual(check({ evidence, contract: CONTRACT.replace('"2.3"', '"2.10.0"') }), ['compatible']);
    assert.match(check({ evidence, contract: CONTRACT.replace(/application:.*\n/, '') })[0]!, /^unknown: needs application >= 2.10/);
    assert.match(check({ evidence: { 'modelswitch.needs.application': 'blue' } })[0]!, /^unknown: .*cannot be compared/);
  });

  it('says which version of a feature source a version needs, whatever the types', () => {
    const inputs = [{ name: 'amount', type: 'double' }];
    const needs = (source: string, version: string): Facts => ({ [`modelswitch.needs.features.${source}`]: version });
    assert.deepEqual(check({ inputs, evidence: needs('transactions', 'v2') }), ['compatible']);
    assert.deepEqual(check({ inputs, evidence: needs('transactions', 'v3') }), ['needs features transactions@v3, the contract has amount from transactions@v2', '4 needs features needs features transactions@v3, the contract has amount from transactions@v2']);
    assert.match(check({ inputs, evidence: needs('weather', 'v1') })[0]!, /^needs features weather@v1, and no feature/);
    assert.match(check({ inputs, evidence: needs('transactions', 'v2'), contract: CONTRACT.replace('@v2', '') })[0]!, /^unknown: needs features transactions@v2/);
    const { verdict, reasons } = checkCompatibility(contractOf(CONTRACT), { signature: signatureFromLists({ inputs, outputs: [{ type: 'double' }] }), evidence: {} });
    assert.deepEqual([verdict, reasons.map((reason) => reason.verdict)], ['compatible', ['note']]);
  });

  it('compares versions by their numbers', () => {
    const order = ['1', '1.0.1', '1.2-rc1', '1.2-rc10', '1.2', 'v1.10', '2.0.0+build'];
    for (const [index, version] of order.entries()) {
      for (const [other, against] of order.entries()) assert.equal(Math.sign(compareVersions(version, against)!), Math.sign(index - other), `${version} ${against}`);
    }
    assert.equal(compareVersions('1.0', '1'), 0);
    assert.equal(compareVersions('blue', '1'), undefined);
  });
});

describe('the contract file', () => {
  const found = (text: string): string[] => loadContract(text).problems.map(({ severity, message, range }) => `${range.start.line + 1}:${range.start.column + 1} ${severity} ${message}`);

  it('reads fields with sources and places', () => {
    const [amount, age] = contractOf('version: 1\nfeatures:\n  - {name: amount, type: double, source: "driver_stats@v2:trips_today"}\n  - {name: age, type: array<long>}\n').features;
    assert.deepEqual({ ...amount, range: amount?.range.start }, { name: 'amount', type: { kind: 'scalar', type: 'double' }, nullable: false, source: { name: 'driver_stats', version: 'v2' }, range: { offset: 32, line: 2, column: 11 } });
    assert.deepEqual(age?.type, { kind: 'array', items: { kind: 'scalar', type: 'long' } });
  });

  it('says what is wrong at its place', () => {
    assert.deepEqual(found('version: 1\napplication: {version: 2.3}\nfeatures:\n  - {name: a, type: int}\n  - {type: long}\n  - {name: b, type: long, sauce: x}\n'), [
      '2:24 error application.version must be text, such as "2.4.0".',
      '4:21 error features[0].type must be one of boolean, integer, long, float, double, string, binary, datetime, a list of them such as array<double>, or any.',
      '5:5 error features[1] lacks name, which must be text, such as amount.',
      '6:27 warning Unknown key "sauce" in features[2]; it is ignored.',
    ]);
    assert.deepEqual(found('version: 1\nfeatures: [{name: a, type: long}, {name: a, type: long}]\n'), ['2:42 error a stands twice under features: keep one of them.']);
    assert.equal(loadContract('version: 1\nfeatures: [{name: a, type: long, note: x}]\n').contract?.features.length, 1);
    for (const text of ['', 'x', '- 1', 'version: 1\nmodels: {}', 'version: 2', '['.repeat(10_000), 'a'.repeat(2_000_000), 'version: 1\nfeatures: 7']) assert.ok(loadContract(text).contract === undefined && found(text).length > 0, text.slice(0, 20));
  });
});
