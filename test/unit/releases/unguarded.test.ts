import assert from 'node:assert/strict';
import { guardingOf, unguarded, type Guarding, type TurnedOn } from '../../../src/core/releases/unguarded.ts';
import { loadWorkspaceFile } from '../../../src/core/workspace/load.ts';

const PLAN = 'plan: [{environment: production, percent: 5}]';
const WRONG = 'quality: {source: {log: log.jsonl}, guardrails: [{name: errors, bad: eror}]}';
const file = (...models: readonly string[]): string => `version: 1\nmodels:\n${models.map((model) => `  ${model}\n`).join('')}`;

describe('releases that are not guarded because of modelswitch.yaml', () => {
  const told = (text: string): string[] => unguarded(loadWorkspaceFile(text), {}).map(({ model, flag, words }) => `${model} ${flag} ${(words[1] ?? '').split(':')[1]}`);

  it('are those with a plan, or with what may be one', () => {
    assert.deepEqual(told(file(`a: {flag: fa, ${PLAN}, ${WRONG}}`, `b: {flag: fb, ${WRONG}}`)), ['a fa 3'], 'nobody guards what has no plan');
    for (const model of ['{flag: fa, plan: 5}', '{flag: fa, plan: [{environment: production, percent: 500}]}', '{flag: fa, paln: [{environment: production, percent: 5}]}', `{flag: fa, guard: {${PLAN}}}`, `{flag: 5, ${PLAN}}`, `{flg: fa, ${PLAN}}`, '5']) {
      assert.equal(told(file(`a: ${model}`, `b: {flag: fb, ${PLAN}}`)).length, 1, model);
    }
  });
});

describe('the guard that somebody turned on for a release', () => {
  const now = (text: string | undefined, { isPlanned = false, wasGuarded = true }: Partial<TurnedOn> = {}): Guarding['kind'] =>
    guardingOf(text === undefined ? undefined : loadWorkspaceFile(text), { model: 'a', flag: 'fa', isPlanned, wasGuarded }).kind;
  const broken = ['models: [', `version: 1\nunleash: {project: 5}\nmodels:\n  b: {flag: fb, ${PLAN}}\n`, file('a: 5'), file('a: {flag: fa, plan: 5}')];

  it('goes on while its file is right about it, whatever is wrong with others', () => {
    assert.equal(now(file(`a: {flag: fa, ${PLAN}}`, `b: {flag: fb, ${PLAN}, ${WRONG}}`), { isPlanned: true }), 'guarded');
    assert.equal(now(file(`a: {flag: fa, ${PLAN}}`), { isPlanned: true, wasGuarded: false }), 'guarded');
  });

  it('alarms while a mistake hides what was being guarded', () => {
    for (const text of broken) assert.equal(now(text), 'wrong', text);
    assert.equal(now(file(`a: {flag: fa, ${PLAN}, ${WRONG}}`), { isPlanned: true }), 'wrong');
  });

  it('ends once, where a file that is right plans the release no more, or is gone', () => {
    for (const text of [file(`b: {flag: fb, ${PLAN}}`), file('a: {flag: fa}'), file(`a: {flag: fa, ${WRONG}}`), file(`b: {flag: fb, ${PLAN}, ${WRONG}}`), undefined]) assert.equal(now(text), 'ended', text);
  });

  it('says nothing of one that is long gone, whatever is wrong', () => {
    for (const text of [...broken, file(`b: {flag: fb, ${PLAN}}`), undefined]) assert.equal(now(text, { wasGuarded: false }), 'gone', text);
  });
});
