import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import { planPromote } from '../../../src/core/flags/planner.ts';
import { suiteEvidenceTag, suiteEvidenceText, type SuiteEvidence } from '../../../src/core/models/evidence.ts';
import type { VersionDetail } from '../../../src/core/models/model.ts';
import { gateSubject, overrideReason, passGates, type GatePorts, type GateVerdict } from '../../../src/core/releases/gates.ts';
import { suiteGateFinding, suitesGate } from '../../../src/core/releases/suitesGate.ts';
import type { SuiteOnDisk } from '../../../src/core/suites/evidence.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { EventLog, rolloutStrategy } from '../flags/flagSupport.ts';
import { versionDetail } from '../models/mappingSupport.ts';

const log = (): EventLog => new EventLog().add(rolloutStrategy('a', 5)).switch(true);
const FLAG = log().reading().detail.flag.name;
const MODEL = `  fraud: {flag: ${FLAG}, registered_model: detector, suites: [suites/*.mltest.yaml]}\n`;
const NOW = Date.UTC(2026, 10, 23, 12);
const SUITE: SuiteOnDisk = { path: 'suites/people.mltest.yaml', digest: 'sha256:1', data: 'sha256:2' };
const EVIDENCE: SuiteEvidence = {
  outcome: 'passed', suite: SUITE.path, digest: 'sha256:1', data: 'sha256:2', subject: 'detector version 14', version: '14', verified: true, seed: '7', at: '2026-11-22T10:00:00.000Z',
  tests: { passed: 3, failed: 0, errors: 0, inconclusive: 0, waived: 0 },
};
const tagged = (...evidence: readonly Partial<SuiteEvidence>[]): Record<string, string> =>
  Object.fromEntries(evidence.map((each, index) => [`${suiteEvidenceTag(SUITE.path)}${index === 0 ? '' : index}`, suiteEvidenceText({ ...EVIDENCE, ...each })]));

interface World {
  readonly detail?: Partial<VersionDetail>;
  readonly suites?: readonly SuiteOnDisk[];
  readonly models?: string;
  readonly type?: string;
  readonly ports?: Partial<GatePorts>;
}

async function promote({ detail = { tags: tagged({}) }, suites = [SUITE], models = MODEL, type = 'production', ports = {} }: World = {}): Promise<GateVerdict> {
  const at = log();
  at.environment = { ...at.environment, type };
  const reading = at.reading();
  const { config } = loadWorkspaceFile(`version: 1\nmodels:\n${models}`);
  const versions: Record<string, string> = { champion: '13', challenger: '14' };
  const given: GatePorts = {
    registry: () => Promise.resolve({
      readModel: (name) => Promise.resolve({ name, description: '', tags: {}, aliases: Object.entries(versions).map(([alias, version]) => ({ alias, version })) }),
      readVersion: (model, name) => Promise.resolve(versionDetail(model, versions[name] ?? name, (versions[name] ?? name) === '14' ? detail : {})),
    }),
    readText: () => assert.fail('a file was read'),
    readFlag: () => Promise.resolve(undefined),
    suites: () => Promise.resolve(suites),
    now: () => NOW,
    ...ports,
  };
  return passGates([suitesGate], gateSubject(planPromote(reading, 'production'), reading, { models: config!.models, features: [] }, given));
}
const reasons = ({ blocks }: GateVerdict): readonly string[] => blocks.flatMap((each) => each.reasons);

describe('the gate of suites', () => {
  it('is passed by evidence of this version, this suite and this data, and by models without suites', async () => {
    assert.equal((await promote()).kind, 'pass');
    assert.equal((await promote({ models: `  fraud: {flag: ${FLAG}, registered_model: detector}\n`, ports: { suites: () => assert.fail('suites were read'), registry: () => assert.fail('the registry was asked') } })).kind, 'pass');
    assert.equal((await promote({ models: `  other: {flag: another, registered_model: detector, suites: [a.mltest.yaml]}\n`, ports: { suites: () => assert.fail('suites were read') } })).kind, 'pass', 'another flag');
  });

  const refused: Readonly<Record<string, { readonly world: World; readonly words: string }>> = {
    'a blocking test failed': { world: { detail: { tags: tagged({ outcome: 'failed', blocking: ['name-blind'] }) } }, words: 'fraud: suites/people.mltest.yaml failed against v14 (name-blind): look at what it says of the model.' },
    'there is no evidence': { world: { detail: {} }, words: 'fraud: suites/people.mltest.yaml was not run against v14: run it.' },
    'there is evidence of another suite only': { world: { detail: { tags: tagged({ suite: 'suites/other.mltest.yaml' }) } }, words: 'fraud: suites/people.mltest.yaml was not run against v14: run it.' },
    'the evidence is of the run only': { world: { detail: { evidence: tagged({}) } }, words: 'fraud: suites/people.mltest.yaml was not run against v14: run it.' },
    'another version answered': { world: { detail: { tags: tagged({ version: '12' }) } }, words: 'fraud: suites/people.mltest.yaml was run against v12, not v14: run it again.' },
    'the suite changed': { world: { suites: [{ ...SUITE, digest: 'sha256:3' }] }, words: 'fraud: suites/people.mltest.yaml changed since it was run against v14: run it again.' },
    'the data changed': { world: { suites: [{ ...SUITE, data: 'sha256:3' }] }, words: 'fraud: suites/people.mltest.yaml was run against v14 with other data: run it again.' },
    'the version is newer': { world: { detail: { tags: tagged({}), createdAt: Date.parse('2026-11-22T11:00:00Z') } }, words: 'fraud: suites/people.mltest.yaml was run before v14 was registered: run it again.' },
    'it does not say when': { world: { detail: { tags: tagged({ at: 'yesterday' }) } }, words: 'fraud: suites/people.mltest.yaml was run against v14, and its evidence does not say when: run it again.' },
    'answers were missing': { world: { detail: { tags: tagged({ outcome: 'error' }) } }, words: 'fraud: suites/people.mltest.yaml has no verdict about v14 (error): run it again.' },
    'too little was tested': { world: { detail: { tags: tagged({ outcome: 'inconclusive' }) } }, words: 'fraud: suites/people.mltest.yaml has no verdict about v14 (inconclusive): run it again.' },
    'a waiver ended since': { world: { detail: { tags: tagged({ waived_until: '2026-11-22' }) } }, words: 'fraud: suites/people.mltest.yaml passed against v14 with a waiver that ended on 2026-11-22: run it again.' },
    'which version answered is not established': { world: { detail: { tags: tagged({ verified: false }) } }, words: 'fraud: suites/people.mltest.yaml passed against v14 as modelswitch.yaml names it; which version answered was not established.' },
    'the suite cannot be run': { world: { suites: [{ path: SUITE.path, problem: 'there is no file people.jsonl.' }] }, words: 'fraud: suites/people.mltest.yaml cannot be run: there is no file people.jsonl.' },
    'there is no such suite': { world: { suites: [] }, words: 'fraud: modelswitch.yaml names the suites suites/*.mltest.yaml, but there is no such file.' },
    'the registry does not answer': { world: { ports: { registry: () => Promise.reject(new AppError('network', 'http://mlflow is away.')) } }, words: 'fraud challenger: whether its suites passed is not known: http://mlflow is away.' },
    'the suites cannot be read': { world: { ports: { suites: () => Promise.reject(new AppError('notFound', 'The folder is gone.')) } }, words: 'fraud: its suites could not be read: The folder is gone.' },
  };
  for (const [name, { world, words }] of Object.entries(refused)) {
    it(`refuses where ${name}, and can be overridden`, async () => {
      const verdict = await promote(world);
      assert.deepEqual([verdict.kind, reasons(verdict)[0], verdict.blocks[0]?.overridable], ['block', words, true]);
      assert.equal(overrideReason(verdict, 'hotfix 7'), 'override suites: hotfix 7');
    });
  }

  it('takes the newest evidence, a waiver on its last day, and a registry whose clock is a little ahead', async () => {
    assert.equal((await promote({ detail: { tags: tagged({ outcome: 'failed', at: '2026-11-21T10:00:00.000Z' }, {}) } })).kind, 'pass');
    assert.equal((await promote({ detail: { tags: tagged({}, { outcome: 'failed', at: '2026-11-22T11:00:00.000Z' }) } })).kind, 'block');
    assert.equal((await promote({ detail: { tags: tagged({ waived_until: '2026-11-23' }) } })).kind, 'pass');
    assert.equal((await promote({ detail: { tags: tagged({}), createdAt: Date.parse('2026-11-22T10:04:00Z') } })).kind, 'pass');
  });

  it('lets unverified evidence open what is not production, with a warning', async () => {
    const verdict = await promote({ type: 'development', detail: { tags: tagged({ verified: false }) } });
    assert.deepEqual([verdict.kind, verdict.warnings.length], ['warn', 1]);
  });

  it('asks nothing of the version that serves anyway, and everything of variants', async () => {
    assert.equal((await promote({ models: `  fraud: {registered_model: detector, suites: [a.mltest.yaml], switches: [{flag: ${FLAG}, on: current, off: current}]}\n`, detail: {} })).kind, 'pass');
  });

  it('is cancelled, and says the same to a verdict', async () => {
    await assert.rejects(promote({ ports: { suites: () => Promise.reject(new AppError('cancelled', 'Cancelled.')) } }), (error) => error instanceof AppError && error.code === 'cancelled');
    assert.deepEqual(suiteGateFinding([{ blocking: [], warning: ['w'] }]), { name: 'suites', state: 'open', words: 'the suites passed' });
    assert.deepEqual(suiteGateFinding([{ blocking: ['a.'], warning: [] }, { blocking: ['b.'], warning: [] }]), { name: 'suites', state: 'shut', words: 'suites: a (and 1 more)' });
  });
});
