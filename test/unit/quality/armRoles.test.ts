import assert from 'node:assert/strict';
import { Collector } from '../../../src/core/quality/collector.ts';
import { compareArms } from '../../../src/core/quality/comparison.ts';
import { readQuality } from '../../../src/core/quality/definitions.ts';
import { driftFindings } from '../../../src/core/quality/productionDrift.ts';
import type { QualityData } from '../../../src/core/quality/window.ts';
import { armVariants, recordScope } from '../../../src/core/releases/armVariants.ts';
import { ExecSource } from '../../../src/adapters/quality/execSource.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { records, START, type PredictionRecord } from '../../support/qualityRecords.ts';

const FILE = `models:
  fraud:
    candidate: "14"
    switches:
      - {flag: fraud-v2, variants: {treatment: candidate, control: current, left: "14", old: "9"}}
`;

const definition = readQuality({ guardrails: [{ name: 'errors', bad: 'error' }], window: '1min' }).quality ?? assert.fail();
const [model] = loadWorkspaceFile(FILE).config?.models ?? [];

function collect(all: readonly PredictionRecord[], roles?: Readonly<Record<string, string>>): QualityData {
  const collector = new Collector(definition, { flags: ['fraud-v2'], roles });
  for (const record of all) collector.add({ ...record }, () => 'record');
  return collector.data(START + 3_600_000, []);
}

describe('variants as arms', () => {
  const all = records({ count: 8000, candidateErrors: 0.06 });

  it('are those that serve the candidate or the current version, by role or by version', () => {
    assert.ok(model !== undefined);
    assert.deepEqual(recordScope(model), { flags: ['fraud-v2', 'fraud-v2.shadow'], roles: { treatment: 'candidate', control: 'current', left: 'candidate' } });
    assert.deepEqual(armVariants(model, 'fraud-v2'), { candidateVariant: 'treatment', currentVariant: 'control' });
    assert.deepEqual(armVariants(model, 'other'), {});
  });

  it('are compared and watched for drift as the arms that they stand for', () => {
    const named = all.map((record, index) => ({ ...record, assigned_arm: record.assigned_arm === 'current' ? 'control' : index % 2 === 0 ? 'treatment' : 'left' }));
    const [found, wanted] = [collect(named, { treatment: 'candidate', control: 'current', left: 'candidate' }), collect(all)];
    assert.deepEqual(compareArms(found, definition, 'production'), compareArms(wanted, definition, 'production'));
    assert.equal(compareArms(found, definition, 'production').metrics[0]?.verdict, 'worse');
    assert.deepEqual(driftFindings(found, 'production'), driftFindings(wanted, 'production'));
    assert.deepEqual(found.arms.map(({ arm }) => arm).sort(), ['candidate', 'current']);
  });

  it('that nobody mapped are arms of their own', () => {
    assert.deepEqual(collect([...all, { ...all[0] ?? assert.fail(), request_id: 'third', assigned_arm: 'old' }], { treatment: 'candidate' }).arms.map(({ arm }) => arm).sort(), ['candidate', 'current', 'old']);
    assert.deepEqual(collect([{ ...all[0] ?? assert.fail(), assigned_arm: 'constructor' }], {}).arms.map(({ arm }) => arm), ['constructor']);
  });

  it('are the same to a command that prints windows', async () => {
    const windows = [['treatment', 3], ['control', 9]].map(([arm, requests]) => ({ arm, environment: 'production', start: START, end: START + 60_000, requests, metrics: { errors: { n: requests, sum: 1 } } }));
    const source = new ExecSource([process.execPath, '-e', `console.log(${JSON.stringify(JSON.stringify({ windows, design_effect: 1 }))})`], import.meta.dirname, definition.metrics, { treatment: 'candidate', control: 'current' });
    const data = await source.read({ now: START + 60_000, signal: new AbortController().signal });
    assert.deepEqual(data.windows.map(({ arm, requests }) => [arm, requests]), [['candidate', 3], ['current', 9]]);
  });
});
