import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readMlmodel, signatureFromLists } from '../../../src/core/models/signature.ts';

const mlmodel = (signature: unknown, rest = ''): string => `flavors: {python_function: {loader_module: mlflow.sklearn}}\n${rest}signature: ${JSON.stringify(signature)}\n`;
const reasonOf = (text: string): string => {
  const { signature } = readMlmodel(text);
  assert.notEqual(signature.kind, 'known');
  return `${signature.kind}: ${signature.kind === 'known' ? '' : signature.reason}`;
};

describe('the signature of an MLmodel file', () => {
  it('reads columns, nested types, tensors and parameters; what is not said to be optional is required', () => {
    const inputs = [
      { type: 'long', name: 'a' },
      { type: 'double', name: 'b', required: false },
      { type: 'string', name: 'c', optional: true },
      { type: 'array', items: { type: 'object', properties: { x: { type: 'float', required: true }, y: { type: 'any', required: false } } }, name: 'd', required: true },
      { type: 'map', values: { type: 'boolean' }, name: 'e' },
      { type: 'sparkml vector', name: 'f' },
    ];
    const { signature, sizeBytes } = readMlmodel(mlmodel({
      inputs: JSON.stringify(inputs),
      outputs: JSON.stringify([{ type: 'tensor', 'tensor-spec': { dtype: 'float64', shape: [-1, 2] } }]),
      params: JSON.stringify([{ name: 't', type: 'double', default: 0.5, shape: null }, { name: 'l', type: 'long', default: [1], shape: [-1] }]),
    }, 'model_size_bytes: 1729\n'));
    assert.equal(sizeBytes, 1729);
    assert.deepEqual(signature, {
      kind: 'known',
      inputs: [
        { name: 'a', type: { kind: 'scalar', type: 'long' }, required: true },
        { name: 'b', type: { kind: 'scalar', type: 'double' }, required: false },
        { name: 'c', type: { kind: 'scalar', type: 'string' }, required: false },
        { name: 'd', required: true, type: { kind: 'array', items: { kind: 'object', properties: [{ name: 'x', type: { kind: 'scalar', type: 'float' }, required: true }, { name: 'y', type: { kind: 'any' }, required: false }] } } },
        { name: 'e', type: { kind: 'map', values: { kind: 'scalar', type: 'boolean' } }, required: true },
        { name: 'f', type: { kind: 'other', text: 'sparkml vector' }, required: true },
      ],
      outputs: [{ type: { kind: 'tensor', dtype: 'float64', shape: [-1, 2] }, required: true }],
      params: [{ name: 't', type: { kind: 'scalar', type: 'double' }, default: 0.5 }, { name: 'l', type: { kind: 'array', items: { kind: 'scalar', type: 'long' } }, default: [1] }],
    });
  });

  it('is missing where there is none', () => {
    assert.match(reasonOf('flavors: {}\n'), /^missing: .*without a signature/);
    assert.match(reasonOf(mlmodel(null)), /^missing: /);
    assert.match(reasonOf(mlmodel({ inputs: null, outputs: null })), /^missing: .*empty/);
  });

  it('is broken, with the place, where it cannot be understood', () => {
    assert.match(reasonOf('a: [1\nb: {'), /^broken: .*not valid YAML/);
    assert.match(reasonOf(mlmodel({ inputs: '[{"type": "long"' })), /^broken: .*inputs are not valid JSON/);
    assert.match(reasonOf(mlmodel({ inputs: [{ type: 'long' }] })), /^broken: .*must be a JSON text/);
    assert.match(reasonOf(mlmodel({ inputs: '{"type": "long"}' })), /^broken: .*inputs are not a list/);
    assert.match(reasonOf(mlmodel({ inputs: '[{"name": "a"}]' })), /^broken: .*inputs\[0\]\.type/);
    assert.match(reasonOf(mlmodel({ outputs: '[{"type": "array"}]' })), /^broken: .*outputs\[0\]\.items/);
    assert.match(reasonOf(mlmodel({ inputs: '[{"type": "tensor", "tensor-spec": {"dtype": 1}}]' })), /^broken: .*tensor-spec\.dtype/);
    const deep = `${'{"type":"array","items":'.repeat(60)}{"type":"long"}${'}'.repeat(60)}`;
    assert.match(reasonOf(mlmodel({ inputs: `[${deep}]` })), /^broken: .*nests too deeply/);
    assert.match(reasonOf('['.repeat(1_000_000)), /^broken: .*nests too deeply/);
    assert.match(reasonOf('a'.repeat(5 * 1024 * 1024)), /^broken: .*larger than 4 MB/);
    assert.match(reasonOf(`a: &a [1,1,1,1,1,1,1,1]\n${Array.from({ length: 30 }, (_, index) => `a${index}: &a${index} [*a${index === 0 ? '' : index - 1}, *a${index === 0 ? '' : index - 1}]`).join('\n')}\n`), /^broken: /);
  });

  it('never throws, whatever the lists are', () => {
    fc.assert(fc.property(fc.anything(), fc.anything(), (inputs, outputs) => {
      assert.ok(['known', 'missing', 'broken'].includes(signatureFromLists({ inputs, outputs }).kind));
    }), { seed: 20_261_130 });
  });
});
