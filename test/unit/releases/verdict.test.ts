import assert from 'node:assert/strict';
import fc from 'fast-check';
import { verdictOf, type Look } from '../../../src/core/releases/verdict.ts';

const READY: Look = {
  guardrails: [{ name: 'errors', state: 'clear', words: 'errors 2.0 % vs 2.0 %' }],
  signals: [{ name: 'conversion', state: 'clear', words: 'conversion 5.1 % vs 5.0 %' }],
  acceptance: [{ name: 'errors', state: 'accepted', words: 'errors at most 1.2 times the current ones' }],
  asksStatistics: true,
  gates: [{ name: 'suites', state: 'open', words: 'all suites passed' }],
  onBlind: 'hold', mismatches: [], obstacles: [],
  stage: { heldMs: 3_600_000, holdMs: 3_600_000, predictions: 2000, minPredictions: 2000, isLast: false },
};
const look = (more: Partial<Look>): Look => ({ ...READY, ...more });
const stageOf = (more: Partial<Look['stage']>): Look['stage'] => ({ ...READY.stage, ...more });
const BREACH: Look['guardrails'][number] = { name: 'errors', state: 'breach', words: 'errors 4.1 % vs 2.0 %' };

describe('the verdict of one look', () => {
  const cases: Record<string, { given: Partial<Look>; word: string; first?: string; alarm?: boolean; needsPerson?: boolean }> = {
    'everything is there': { given: {}, word: 'advance' },
    'a guardrail is breached': { given: { guardrails: [BREACH] }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
    'a guardrail is breached although the arms do not compare': { given: { guardrails: [BREACH], mismatches: [{ words: 'arms 48 % / 52 %' }] }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
    'a guardrail is breached before the hold time is over': { given: { guardrails: [BREACH], stage: stageOf({ heldMs: 0, predictions: 10 }) }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
    'a guardrail is breached and newer data is missing': { given: { guardrails: [BREACH], blind: { words: 'no data' } }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
    'a guardrail is breached in one of two services': { given: { guardrails: [{ ...READY.guardrails[0]!, service: 'web' }, { ...BREACH, service: 'batch' }] }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
    'the data is old': { given: { blind: { words: 'no data for 15 min' } }, word: 'hold', first: 'blind', alarm: true },
    'the data is old and the plan wants to be safe': { given: { blind: { words: 'no data' }, onBlind: 'rollback' }, word: 'rollback', first: 'blind', alarm: true, needsPerson: true },
    'nothing is told of one arm any more, though the plan wants to be safe': { given: { quiet: [{ words: 'nothing of the candidate' }], onBlind: 'rollback' }, word: 'hold', first: 'blind', alarm: true },
    'the arms do not compare': { given: { mismatches: [{ words: 'arms 48 % / 52 %' }] }, word: 'hold', first: 'mismatch', alarm: true },
    'a guard rolled back and nobody re-armed': { given: { latch: { words: 'rolled back at noon' } }, word: 'hold', first: 'latch', needsPerson: true },
    'an alias moved': { given: { obstacles: [{ words: 'challenger is v15 now' }] }, word: 'hold', first: 'obstacle', needsPerson: true },
    'a signal is worse': { given: { signals: [{ name: 'conversion', state: 'worse', words: 'conversion 4 % vs 5 %' }] }, word: 'hold', first: 'signal' },
    'a guardrail has too little data': { given: { guardrails: [{ name: 'errors', state: 'insufficient', words: '12 predictions' }] }, word: 'insufficient data', first: 'data' },
    'a guardrail is void': { given: { guardrails: [{ name: 'errors', state: 'insufficient', isVoid: true, words: 'told of different shares' }] }, word: 'insufficient data', first: 'data', alarm: true },
    'a guardrail is void and a signal is worse': { given: { guardrails: [{ name: 'errors', state: 'insufficient', isVoid: true, words: 'told of different shares' }], signals: [{ name: 'conversion', state: 'worse', words: 'conversion 4 % vs 5 %' }] }, word: 'hold', first: 'signal', alarm: true },
    'a signal has too little data in one service': { given: { signals: [{ name: 'conversion', state: 'insufficient', words: '12 units', service: 'batch' }] }, word: 'insufficient data', first: 'data' },
    'the hold time is not over': { given: { stage: stageOf({ heldMs: 60_000 }) }, word: 'hold', first: 'hold time' },
    'the sample is too small': { given: { stage: stageOf({ predictions: 1999 }) }, word: 'hold', first: 'sample' },
    'it is not yet shown that the candidate is no worse': { given: { acceptance: [{ name: 'errors', state: 'open', words: 'not yet shown' }] }, word: 'hold', first: 'evidence' },
    'there is no control': { given: { acceptance: [{ name: 'errors', state: 'no control', words: 'nobody gets the current model' }] }, word: 'advance' },
    'statistics are asked for and nothing was compared': { given: { acceptance: [] }, word: 'insufficient data', first: 'data' },
    'statistics are not asked for and nothing was compared': { given: { acceptance: [], asksStatistics: false }, word: 'advance' },
    'it is the last stage and nothing was compared': { given: { acceptance: [], stage: stageOf({ isLast: true }) }, word: 'hold', first: 'last stage' },
    'a suite failed': { given: { gates: [{ name: 'suites', state: 'shut', words: 'income-up failed' }] }, word: 'hold', first: 'gate', needsPerson: true },
    'approval is missing': { given: { approval: 'missing' }, word: 'hold', first: 'approval', needsPerson: true },
    'approval is given': { given: { approval: 'given' }, word: 'advance' },
    'it is the last stage': { given: { stage: stageOf({ isLast: true, heldMs: 0, predictions: 0 }) }, word: 'hold', first: 'last stage' },
    'it is the last stage and a guardrail is breached': { given: { stage: stageOf({ isLast: true }), guardrails: [BREACH] }, word: 'rollback', first: 'breach', alarm: true, needsPerson: true },
  };
  for (const [what, { given, word, first, alarm = false, needsPerson = false }] of Object.entries(cases)) {
    it(`is ${word} when ${what}`, () => {
      const verdict = verdictOf(look(given));
      assert.deepEqual([verdict.word, verdict.reasons[0]?.kind, verdict.alarm, verdict.needsPerson], [word, first, alarm, needsPerson]);
    });
  }

  it('asks for approval only when all the rest is there', () => {
    const { reasons } = verdictOf(look({ approval: 'missing', stage: stageOf({ heldMs: 0, predictions: 3 }) }));
    assert.deepEqual(reasons.map(({ words }) => words), ['held for 0 s of 1 h', '3 of 2k predictions of the candidate']);
  });

  it('names the service where there are several', () => {
    assert.deepEqual(verdictOf(look({ guardrails: [{ ...BREACH, service: 'batch' }] })).reasons, [{ kind: 'breach', words: 'batch: errors 4.1 % vs 2.0 %' }]);
  });
});

const words = fc.constant('something');
const looks: fc.Arbitrary<Look> = fc.record({
  guardrails: fc.array(fc.record({ name: words, words, state: fc.constantFrom('breach' as const, 'clear' as const, 'clear' as const, 'insufficient' as const) }), { maxLength: 3 }),
  signals: fc.array(fc.record({ name: words, words, state: fc.constantFrom('worse' as const, 'clear' as const, 'clear' as const, 'insufficient' as const) }), { maxLength: 2 }),
  acceptance: fc.array(fc.record({ name: words, words, state: fc.constantFrom('accepted' as const, 'open' as const, 'no control' as const) }), { maxLength: 2 }),
  asksStatistics: fc.boolean(),
  gates: fc.array(fc.record({ name: words, words, state: fc.constantFrom('open' as const, 'shut' as const) }), { maxLength: 2 }),
  onBlind: fc.constantFrom('hold' as const, 'rollback' as const),
  mismatches: fc.array(fc.record({ words }), { maxLength: 1 }),
  quiet: fc.constantFrom<{ words: string }[]>([], [], [], [], [], [{ words: 'quiet' }]),
  obstacles: fc.array(fc.record({ words }), { maxLength: 1 }),
  stage: fc.record({ heldMs: fc.nat(100), holdMs: fc.nat(100), predictions: fc.nat(100), minPredictions: fc.nat(100), isLast: fc.boolean() }),
}).chain((base) => fc.record({ blind: fc.boolean(), latch: fc.boolean(), approval: fc.constantFrom(undefined, 'given' as const, 'missing' as const) }).map(({ blind, latch, approval }): Look => ({
  ...base,
  ...(blind ? { blind: { words: 'blind' } } : {}), ...(latch ? { latch: { words: 'latched' } } : {}), ...(approval === undefined ? {} : { approval }),
})));

describe('the verdict over random looks', () => {
  it('rolls back exactly on a breach, or where the plan asks for it when blind; never because data is missing', () => {
    fc.assert(fc.property(looks, (each) => {
      const expected = each.guardrails.some(({ state }) => state === 'breach') || (each.blind !== undefined && each.onBlind === 'rollback');
      assert.equal(verdictOf(each).word === 'rollback', expected);
    }), { seed: 20261123, numRuns: 3000 });
  });

  it('advances only when nothing is amiss at all', () => {
    let advanced = 0;
    fc.assert(fc.property(looks, (each) => {
      if (verdictOf(each).word !== 'advance') return;
      advanced += 1;
      assert.ok([...each.guardrails, ...each.signals].every(({ state }) => state === 'clear') && each.acceptance.every(({ state }) => state !== 'open') && each.gates.every(({ state }) => state === 'open'));
      assert.ok(!each.asksStatistics || each.acceptance.length > 0);
      assert.ok(each.blind === undefined && each.quiet?.length === 0 && each.latch === undefined && each.mismatches.length === 0 && each.obstacles.length === 0 && each.approval !== 'missing' && !each.stage.isLast);
      assert.ok(each.stage.heldMs >= each.stage.holdMs && each.stage.predictions >= each.stage.minPredictions);
    }), { seed: 7, numRuns: 60_000 });
    assert.ok(advanced > 20, `${advanced}`);
  });

  it('gives a reason for everything but advancing', () => {
    fc.assert(fc.property(looks, (each) => {
      const { word, reasons } = verdictOf(each);
      assert.equal(reasons.length === 0, word === 'advance');
    }), { seed: 8, numRuns: 2000 });
  });
});
