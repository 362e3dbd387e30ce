import assert from 'node:assert/strict';
import { AppError } from '../../../src/core/base/errors.ts';
import type { ChangePlan } from '../../../src/core/flags/changePlan.ts';
import { expectFrom } from '../../../src/core/flags/expected.ts';
import { planPromote, planRestore, planRollback, planSetRollout, planSwitchOff, planSwitchOn } from '../../../src/core/flags/planner.ts';
import type { VersionDetail } from '../../../src/core/models/model.ts';
import { signatureFromLists } from '../../../src/core/models/signature.ts';
import { configurationGate } from '../../../src/core/releases/configurationGate.ts';
import { gateSubject, needsGates, overrideReason, passGates, type GatePorts, type GateVerdict, type PromotionGate } from '../../../src/core/releases/gates.ts';
import { PROMOTION_GATES } from '../../../src/core/releases/promotionGates.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';
import { EventLog, rolloutStrategy } from '../flags/flagSupport.ts';
import { versionDetail } from '../models/mappingSupport.ts';

const FLAG = new EventLog().reading().detail.flag.name;
const config = (models: string): { models: NonNullable<ReturnType<typeof loadWorkspaceFile>['config']>['models']; features: NonNullable<NonNullable<ReturnType<typeof loadWorkspaceFile>['config']>['features']> } => {
  const { config: found } = loadWorkspaceFile(`version: 1\nmodels:\n${models}`);
  return { models: found!.models, features: found!.features ?? [] };
};
const MODEL = `  fraud: {flag: ${FLAG}, registered_model: detector, contract: features.yaml}\n`;
const NOW = Date.UTC(2026, 10, 23, 12);
const away = (): Promise<never> => Promise.reject(new AppError('network', 'http://mlflow is away.'));

function ports(more: Partial<GatePorts> = {}, details: Readonly<Record<string, Partial<VersionDetail>>> = {}): GatePorts {
  const versions: Record<string, string> = { champion: '13', challenger: '14' };
  return {
    registry: () => Promise.resolve({
      readModel: (name) => Promise.resolve({ name, description: '', tags: {}, aliases: Object.entries(versions).map(([alias, version]) => ({ alias, version })) }),
      readVersion: (model, name) => Promise.resolve(versionDetail(model, versions[name] ?? name, { signature: signatureFromLists({ inputs: [{ name: 'amount', type: 'double' }], outputs: [] }), ...details[versions[name] ?? name] })),
    }),
    readText: () => Promise.resolve('version: 1\nfeatures:\n  - {name: amount, type: double}\n'),
    readFlag: () => Promise.resolve(undefined),
    suites: () => assert.fail('suites were read'),
    now: () => NOW,
    ...more,
  };
}

const log = (title = ''): EventLog => new EventLog().add(rolloutStrategy('a', 5, { title })).switch(true);
async function promote(models: string, given: GatePorts = ports(), at = log(), gates: readonly PromotionGate[] = PROMOTION_GATES): Promise<GateVerdict> {
  const reading = at.reading();
  return passGates(gates, gateSubject(planPromote(reading, 'production'), reading, config(models), given));
}
const brief = ({ kind, warnings, blocks }: GateVerdict): unknown => [kind, ...warnings, ...blocks.flatMap(({ gate, reasons }) => [gate, ...reasons])];

describe('gates before a raise', () => {
  it('are passed by what raises, and by nothing else', () => {
    const raised = log().rollout('a', 25);
    const plans: [boolean, ChangePlan][] = [
      [true, planPromote(log().reading(), 'production')],
      [true, planSetRollout(log().reading(), 'production', 6)],
      [true, planSwitchOn(log().switch(false).reading(), 'production')],
      [true, planRestore(log().reading(), 'production', raised.environment)],
      [false, planSetRollout(log().reading(), 'production', 4)],
      [false, planSetRollout(log().reading(), 'production', 5)],
      [false, planRollback(raised.reading(), 'production')],
      [false, planSwitchOff('kill', log().reading(), ['production'])],
    ];
    for (const [expected, plan] of plans) assert.equal(needsGates(plan), expected, plan.kind);
    const raise = planPromote(log().reading(), 'production');
    for (const kind of ['roll back', 'kill', 'disable', 're-pin'] as const) assert.equal(needsGates({ ...raise, kind }), false, `${kind}, whatever it does`);
  });

  it('are shut by what is wrong in modelswitch.yaml with the model of the flag, were it only a guardrail that cannot be read', async () => {
    const asked = (quality: string, flag = FLAG): Promise<GateVerdict> => {
      const file = loadWorkspaceFile(`version: 1\nmodels:\n  fraud:\n    flag: ${flag}\n    quality: ${quality}\n  other:\n    flag: another\n    quality: {guardrails: [{name: errors, bad: "eror"}]}\n`);
      const reading = log().reading();
      return passGates([configurationGate], gateSubject(planPromote(reading, 'production'), reading, { models: file.config?.models ?? [], features: [], file }, ports()));
    };
    const broken = await asked('{source: {log: a.jsonl}, guardrails: [{name: errors, bad: "latency_ms >"}]}');
    assert.deepEqual([broken.kind, broken.blocks[0]?.gate, broken.blocks[0]?.overridable], ['block', 'configuration', false]);
    assert.match(broken.blocks[0]?.reasons[0] ?? '', /^modelswitch\.yaml:5: .*Mend it first; taking back works all the same\.$/);
    assert.equal((await asked('{source: {log: a.jsonl}, guardrails: [{name: errors, bad: error}]}')).kind, 'pass', 'another model is none of its business');
    assert.equal((await asked('{source: {log: a.jsonl}, guardrails: [{name: errors, bad: "latency_ms >"}]}', 'someone-elses')).kind, 'pass');
    const nothing = loadWorkspaceFile('models: [');
    const reading = log().reading();
    assert.equal((await passGates([configurationGate], gateSubject(planPromote(reading, 'production'), reading, { models: [], features: [], file: nothing }, ports()))).kind, 'block', 'a file of which nothing can be read');
    assert.equal((await promote(MODEL)).kind, 'pass', 'where nobody gave the file it was refused before');
  });

  it('ask no registry for a flag without contract and pins', async () => {
    const nobody = ports({ registry: () => assert.fail('the registry was asked'), readText: () => assert.fail('a file was read') });
    assert.deepEqual(brief(await promote(`  fraud: {flag: ${FLAG}, registered_model: detector}\n`, nobody)), ['pass']);
    assert.deepEqual(brief(await promote('  other: {flag: another, contract: features.yaml}\n', nobody)), ['pass']);
  });

  it('pass what fits, block what does not with the line of the contract, warn of what is unknown', async () => {
    assert.deepEqual(brief(await promote(MODEL)), ['pass']);
    const visits = ports({}, { 14: { signature: signatureFromLists({ inputs: [{ name: 'visits', type: 'long' }], outputs: [] }) } });
    assert.deepEqual(brief(await promote(MODEL, visits)), ['block', 'compatibility', 'fraud v14: incompatible: column visits (long) is missing (features.yaml:2)']);
    assert.equal((await promote(MODEL, visits)).blocks[0]?.overridable, true);
    const unsigned = ports({}, { 14: { signature: { kind: 'missing', reason: 'No signature.' } } });
    assert.deepEqual(brief(await promote(MODEL, unsigned)), ['warn', 'fraud v14: unknown: No signature. (features.yaml:2)']);
    const newer = ports({}, { 14: { evidence: { 'modelswitch.needs.application': '9' } } });
    assert.match(String((brief(await promote(MODEL, newer)) as string[])[1]), /needs application >= 9/);
  });

  it('say in words that the registry or the contract cannot be read, and let pass', async () => {
    assert.deepEqual(brief(await promote(MODEL, ports({ registry: away }))), ['warn', 'fraud challenger: compatibility is unknown: http://mlflow is away.']);
    const unreadable = ports({ readText: () => Promise.reject(new AppError('validation', 'The contract features.yaml cannot be read: check the path.')) });
    assert.deepEqual(brief(await promote(MODEL, unreadable)), ['warn', 'fraud: compatibility is unknown: The contract features.yaml cannot be read: check the path.']);
  });

  it('do not let a release go on with another version than it pinned', async () => {
    const at = (pins: string): EventLog => log(`Modelswitch · ${pins} · 5 % · promote`);
    assert.deepEqual(brief(await promote(MODEL, ports(), at('fraud v14 over v13'))), ['pass']);
    const moved = await promote(MODEL, ports(), at('fraud v12 over v13'));
    assert.deepEqual([moved.blocks[0]?.gate, moved.blocks[0]?.overridable, moved.blocks[0]?.reasons[0]], ['moved alias', false, 'fraud: challenger moved from v12 to v14.']);
    assert.match(String(moved.blocks[0]?.reasons[1]), /Move the alias back, or re-pin/);
    assert.equal((await promote(MODEL, ports(), at('fraud v14 over v12'))).kind, 'block', 'the current version counts too');
    assert.equal((await promote(MODEL, ports(), at('fraud v12 over v13').update('a', { title: 'mine' }))).kind, 'block', 'also where a person wrote over the title');
    const unknown = await promote(MODEL, ports({ registry: away }), at('fraud v14 over v13'));
    assert.equal(unknown.kind, 'warn');
    assert.ok(unknown.warnings.some((line) => line.includes('whether challenger still is the pinned version is not known: http://mlflow is away.')));
  });

  it('judge what models serve when the flag of their features is raised', async () => {
    const models = `  tx: {kind: features, flag: ${FLAG}, provides: {transactions: v3}}\n  fraud: {flag: other, registered_model: detector, contract: features.yaml}\n`;
    const text = 'version: 1\nfeatures:\n  - {name: amount, type: double, source: transactions@v2}\n';
    const old = ports({ readText: () => Promise.resolve(text) }, { 13: { evidence: { 'modelswitch.needs.features.transactions': 'v2' } } });
    assert.deepEqual(brief(await promote(models, old)), ['warn', `fraud v13: needs features transactions@v2, which gives way to transactions@v3 behind \`${FLAG}\`, 25 % in production (features.yaml:3)`]);
  });

  it('warn when one of them fails, stop when it is cancelled, and get the signal', async () => {
    const failing: PromotionGate = { name: 'suites', check: away };
    assert.deepEqual(brief(await promote(MODEL, ports(), log(), [failing])), ['warn', 'suites could not be checked: http://mlflow is away.']);
    const cancelled: PromotionGate = { name: 'suites', check: () => Promise.reject(new AppError('cancelled', 'Cancelled.')) };
    await assert.rejects(promote(MODEL, ports(), log(), [cancelled]), (error) => error instanceof AppError && error.code === 'cancelled');
    const abort = new AbortController();
    const reading = log().reading();
    let got: AbortSignal | undefined;
    await passGates([{ name: 'x', check: (_, signal) => { got = signal; return Promise.resolve({ kind: 'pass' }); } }], gateSubject(planPromote(reading, 'production'), reading, config(MODEL), ports()), abort.signal);
    assert.equal(got, abort.signal);
  });

  it('are named with the reason of an override', async () => {
    const visits = ports({}, { 14: { signature: signatureFromLists({ inputs: [{ name: 'visits', type: 'long' }], outputs: [] }) } });
    assert.equal(overrideReason(await promote(MODEL, visits), 'hotfix\n7'), 'override compatibility: hotfix 7');
  });
});

describe('a relative change that is tried again', () => {
  it('knows its start, and that it has arrived', () => {
    assert.equal(expectFrom(log().reading(), 'production', 'promote', 5), 'as expected');
    assert.equal(expectFrom(log().rollout('a', 25).reading(), 'production', 'promote', 5), 'already');
    const back = log().rollout('a', 25).rollout('a', 5);
    assert.equal(expectFrom(back.reading(), 'production', 'roll back', 25), 'already');
    for (const run of [() => expectFrom(log().reading(), 'production', 'promote', 25), () => expectFrom(log().reading(), 'production', 'roll back', 25), () => expectFrom(back.reading(), 'production', 'roll back', 50)]) {
      assert.throws(run, (error) => error instanceof AppError && error.code === 'conflict' && /is at 5 %/.test(error.message));
    }
  });
});
