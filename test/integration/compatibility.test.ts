import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { SCALAR_TYPES, type ScalarType } from '../../src/core/models/model.ts';
import { fit } from '../../src/core/models/typeLattice.ts';
import { mlflowPython } from '../support/mlflow.ts';

interface Pair { from: ScalarType; nullable: boolean; to: ScalarType; required: boolean }

/** What MLflow's own schema enforcement says of each pair: null when it takes the column, else why not. */
async function enforce(columns: readonly Pair[]): Promise<(string | null)[]> {
  const child = spawn(await mlflowPython(), [join(import.meta.dirname, '..', 'support', 'mlflow', 'enforce.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(`${JSON.stringify({ columns })}\n`);
  const [code] = await once(child, 'close') as [number];
  assert.equal(code, 0);
  return JSON.parse(output.trim().split('\n').at(-1)!) as (string | null)[];
}

describe('the type lattice', () => {
  it("is MLflow's own enforcement, for every pair of types, complete or with missing values", async function table() {
    this.timeout(900_000);
    const pairs = [true, false].flatMap((required) => [true, false].flatMap((nullable) => SCALAR_TYPES.flatMap((from) => SCALAR_TYPES.map((to) => ({ from, nullable, to, required })))));
    const refusals = await enforce(pairs);
    assert.equal(refusals.length, 256);
    const different = pairs.flatMap(({ from, nullable, to, required }, index) => {
      const ours = fit({ kind: 'scalar', type: from }, nullable, { kind: 'scalar', type: to });
      const theirs = refusals[index] === null ? 'fits' : 'refused';
      return ours === theirs ? [] : [`${nullable ? 'nullable ' : ''}${from} -> ${to}${required ? '' : ' (optional)'}: ${ours}, MLflow: ${refusals[index] ?? 'fits'}`];
    });
    assert.deepEqual(different, []);
  });
});
