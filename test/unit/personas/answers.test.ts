import assert from 'node:assert/strict';
import { answerOf, type AnswerFacts } from '../../../src/core/personas/answer.ts';
import { compareAnswers, type Comparison } from '../../../src/core/personas/compare.ts';
import { answerLines, answerWords, explainAnswer } from '../../../src/core/personas/explain.ts';
import { namedContext, type Evaluation, type EvaluationContext, type SdkAnswer, type StrategyEvaluation } from '../../../src/core/personas/model.ts';
import type { Strategy } from '../../../src/core/flags/model.ts';
import type { ModelMapping } from '../../../src/core/workspace/config.ts';
import { constraint, gradual, strategy } from '../flags/rolloutSupport.ts';

const start = { offset: 0, line: 0, column: 0 };
const range = { start, end: start };
const mapping: ModelMapping = { name: 'fraud', switches: [{ flag: 'fraud-v2', on: 'candidate', off: 'current', range }], current: '13', candidate: '14', range };

/** As the playground would answer about strategies without constraints. */
function evaluated(context: EvaluationContext, strategies: readonly (Strategy | StrategyEvaluation)[], more: Partial<Evaluation> = {}): Evaluation {
  const all = strategies.map((each): StrategyEvaluation => ('strategy' in each ? each : { strategy: each, constraints: [], segments: [], result: each.disabled ? 'unknown' : true }));
  return { flag: 'fraud-v2', environment: 'production', context, switchedOn: true, enabled: true, blocked: false, strategies: all, ...more };
}
const explained = (evaluation: Evaluation, facts: AnswerFacts = { mapping }): string => explainAnswer(answerOf(evaluation, facts));

describe('what a context gets, in words', () => {
  it('names arm, switch and the reason that decided', () => {
    const canary = gradual(25, { title: 'Modelswitch · 25 %' });
    assert.equal(explained(evaluated({ userId: '11' }, [canary])), 'production: candidate (on): strategy "Modelswitch · 25 %" matched at 25 % (userId 11 is in bucket 8 of 100)');
    assert.equal(explained(evaluated({ userId: '10' }, [canary])), 'production: current (off): userId 10 is in bucket 56 of 100, the rollout is 25 %');
    assert.equal(explained(evaluated({ userId: '10' }, [canary]), {}), 'production: off: userId 10 is in bucket 56 of 100, the rollout is 25 %');
    assert.equal(explained(evaluated({}, [canary], { switchedOn: false })), 'production: current (off): the environment is switched off');
  });

  it('names the version behind the arm, and a variant instead of it', () => {
    const on = answerOf(evaluated({}, [strategy({ name: 'default', parameters: {} })]), { mapping });
    assert.deepEqual([on.arm, on.version], ['candidate', '14']);
    const variant = answerOf(evaluated({ userId: '1' }, [{ strategy: gradual(100), constraints: [], segments: [], result: true, variant: 'b' }]), { mapping });
    assert.deepEqual([variant.arm, variant.version, answerWords(variant)], ['b', undefined, 'variant b (on)']);
  });

  it('lists every strategy where several are in question, and each condition that does not hold', () => {
    const eu = { constraint: constraint('region', 'IN', ['eu', 'us']), holds: false };
    const adult = { constraint: constraint('age', 'NUM_GTE', '18'), holds: false };
    const answer = answerOf(evaluated({ userId: '10', age: '17' }, [
      { strategy: gradual(100, { title: 'Europe' }), constraints: [eu, adult], segments: [], result: false },
      { strategy: gradual(100, { title: 'old', disabled: true }), constraints: [], segments: [], result: 'unknown' },
      { strategy: gradual(1), constraints: [], segments: [], result: false },
    ], { enabled: false }));
    assert.deepEqual(answerLines(answer).slice(1), [
      '- strategy "Europe": not matched: region must be one of eu, us; it is missing; also age must be >= 18; it is 17',
      '- strategy "old": disabled, so the SDKs never see it',
      '- strategy flexibleRollout: not matched: userId 10 is in bucket 56 of 100, the rollout is 1 %',
    ]);
    assert.deepEqual(answer.reasons.map(({ verdict }) => verdict), ['constraint', 'disabled', 'rollout']);
  });

  it('says every operator in words', () => {
    const words = (field: string, operator: string, operand: string | string[], parts = {}): string =>
      explained(evaluated({ field: 'x' }, [{ strategy: gradual(100), constraints: [{ constraint: constraint(field, operator, operand, parts), holds: false }], segments: [], result: false }]), {}).replace('production: off: ', '');
    assert.equal(words('field', 'NOT_IN', ['x']), 'field must not be one of x; it is x');
    assert.equal(words('field', 'IN', ['x'], { inverted: true }), 'field must not be one of x; it is x');
    assert.equal(words('field', 'STR_STARTS_WITH', ['a', 'b']), 'field must start with a, b; it is x');
    assert.equal(words('field', 'STR_CONTAINS', ['x'], { inverted: true }), 'field must not contain x; it is x');
    assert.equal(words('field', 'SEMVER_GT', '2.0.0'), 'field must be version > 2.0.0; it is x');
    assert.equal(words('field', 'REGEX', '^y'), 'field must match ^y; it is x');
    assert.equal(words('field', 'DATE_AFTER', '2030-01-01'), 'currentTime must be after 2030-01-01; it is the moment of the call');
    assert.equal(words('field', 'NEW_OPERATOR', 'z'), 'field must NEW_OPERATOR z; it is x');
    assert.equal(words('many', 'IN', ['1', '2', '3', '4', '5', '6', '7']), 'many must be one of 1, 2, 3, 4, 5 and 2 more; it is missing');
  });

  it('takes a field that every object has for missing', () => {
    assert.match(explained(evaluated({}, [gradual(100, {}, { stickiness: 'constructor' })])), /sticky on constructor, which is missing/);
  });

  it('shows what a server said without its control characters', () => {
    assert.doesNotMatch(explained(evaluated({ userId: '11' }, [gradual(25, { title: 'a\nb\u202ec' })])), /[\n\u202e]/);
  });

  it('tells what only the service can evaluate', () => {
    const host = { strategy: strategy({ name: 'applicationHostname', parameters: {} }), constraints: [], segments: [], result: 'unknown' as const };
    assert.match(explained(evaluated({}, [host], { enabled: false })), /production: not known: strategy applicationHostname not known: only the service itself can evaluate/);
    assert.match(explained(evaluated({ userId: '1' }, [host, gradual(100)])), /production: candidate \(on\)/);
  });

  it('goes by the parents it knows, else by what the evaluator says about them', () => {
    const child = evaluated({ userId: '10' }, [gradual(100)], { enabled: false, blocked: true });
    const parent = evaluated({ userId: '10' }, [gradual(25)], { flag: 'parent' });
    assert.equal(explained(child), 'production: current (off): the condition on a parent flag does not hold');
    const facts = { mapping, dependencies: [{ feature: 'parent', enabled: true, variants: [] }] };
    assert.equal(explained(child, { ...facts, parents: [parent] }), 'production: current (off): the parent flag parent must be on; it is off: userId 10 is in bucket 56 of 100, the rollout is 25 %');
    assert.match(explained(child, { ...facts, parents: [] }), /the parent flag parent does not exist or is archived/);
    assert.match(explained(child, { ...facts, parents: [evaluated({}, [gradual(25, {}, { stickiness: 'random' })], { flag: 'parent' })] }), /random at each call: the parent flag parent must be on; it is/);
    assert.match(explained(child, { mapping, dependencies: [{ feature: 'parent', enabled: false, variants: [] }], parents: [parent] }), /candidate \(on\)/);
  });

  it('makes a context of a persona, where an empty value counts as missing', () => {
    assert.deepEqual(namedContext({ name: 'a', userId: '10', properties: { userId: 'other', region: '', plan: 'x' } }), { name: 'a', context: { userId: '10', plan: 'x' } });
  });
});

describe('comparing the playground with the frontend API', () => {
  const compare = (evaluation: Evaluation, frontend: SdkAnswer, more: { environment?: string; age?: number; hasParents?: boolean } = {}): Comparison =>
    compareAnswers(answerOf(evaluation), frontend, {
      token: { environment: more.environment ?? 'production', project: 'default' }, project: 'default', evaluation, hasParents: more.hasParents ?? false, newestEventAgeMs: more.age,
    });
  const on = evaluated({ userId: '11' }, [gradual(25)]);

  it('says that they agree, variants included', () => {
    assert.deepEqual(compare(on, { enabled: true }), { comparable: true, same: true, words: 'The frontend API agrees: on.' });
    const withVariant = { ...on, variant: 'a' };
    assert.equal(compare(withVariant, { enabled: true, variant: 'a' }).same, true);
    assert.equal(compare(withVariant, { enabled: true, variant: 'b' }).same, false);
    assert.equal(compare(withVariant, { enabled: false }).same, false);
  });

  it('names the likely reason of a difference', () => {
    const off: SdkAnswer = { enabled: false };
    assert.equal(compare(on, off, { environment: 'development' }).reason, 'tokenEnvironment');
    assert.match(compare(on, off, { age: 1200 }).words, /says off, the playground on\. The flag was changed 1 s ago/);
    assert.match(compare(on, off, { age: -300 }).words, /changed just now/);
    assert.equal(compare(on, off, { hasParents: true, age: 60_000 }).reason, 'parent');
    const unknown = compare(on, off, { age: 3_600_000 });
    assert.deepEqual([unknown.reason, unknown.words], ['notKnown', 'The frontend API says off, the playground on. No reason is known (last change 1 h ago): perhaps an Unleash Edge or a proxy in between holds older flags.']);
  });

  it('knows the fields that the frontend API fills in or ignores', () => {
    const sticky = evaluated({}, [gradual(50, {}, { stickiness: 'sessionId' })], { enabled: false });
    assert.match(compare(sticky, { enabled: true }).words, /The context lacks sessionId, and the frontend SDK gives every context a sessionId of its own/);
    const byAddress = evaluated({ userId: '1' }, [{ strategy: gradual(100), constraints: [{ constraint: constraint('remoteAddress', 'IN', ['127.0.0.1']), holds: false }], segments: [], result: false }], { enabled: false });
    assert.match(compare(byAddress, { enabled: true }).words, /takes the address of the caller/);
    const dated = evaluated({ userId: '1', currentTime: '2020-01-01T00:00:00Z' }, [{ strategy: gradual(100), constraints: [{ constraint: constraint('currentTime', 'DATE_AFTER', '2021-01-01'), holds: false }], segments: [], result: false }], { enabled: false });
    assert.match(compare(dated, { enabled: true }).words, /ignores currentTime/);
  });

  it('says that a random answer is one', () => {
    const { reason, words } = compare(evaluated({}, [gradual(50, {}, { stickiness: 'default' })], { enabled: false }), { enabled: true });
    assert.deepEqual([reason, words], ['random', 'The frontend API says on, the playground off. The answer is drawn at random at each call. The context lacks sessionId, and the frontend SDK gives every context a sessionId of its own.']);
  });

  it('takes the frontend answer for the true one where the playground is known to be wrong', () => {
    const disabled = evaluated({ userId: '1' }, [gradual(10, { disabled: true })], { enabled: false });
    const onlyDisabled = compare(disabled, { enabled: true });
    assert.deepEqual([onlyDisabled.reason, /The frontend answer is the true one\.$/.test(onlyDisabled.words)], ['onlyDisabled', true]);
    const ignoringCase = evaluated({ userId: '1', region: 'EU' }, [{ strategy: gradual(100), constraints: [{ constraint: constraint('region', 'IN', ['eu'], { caseInsensitive: true }), holds: true }], segments: [], result: true }]);
    assert.equal(compare(ignoringCase, { enabled: false }).reason, 'playground');
  });
});
