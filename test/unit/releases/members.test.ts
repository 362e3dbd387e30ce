import assert from 'node:assert/strict';
import { readQuality, type QualityDefinition } from '../../../src/core/quality/definitions.ts';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import type { ReleaseAssessment } from '../../../src/core/releases/assessment.ts';
import { planAdvance } from '../../../src/core/releases/stageChange.ts';
import { MINUTE, assess, data, lastEvent, model, released } from './assessSupport.ts';
import { stage } from './worldSupport.ts';

const gates = ['statistics'] as const;
const PLAN = [stage('production', 100, { segment: 'internal', gates }), stage('production', 5, { gates }), stage('production', 25, { gates }), stage('production', 95)];
const HOURS = 3;

/** Rates of bad events, or means; `part` of all traffic is of members. */
interface Story {
  readonly part: number;
  readonly theirs: number;
  readonly candidate: number;
  readonly current: number;
  /** How much more than others those ask who were drawn. */
  readonly eager?: number;
  /** Whether the log tells of their own stage. */
  readonly isBegun?: boolean;
  readonly metric?: Record<string, unknown>;
  readonly quality?: Record<string, unknown>;
  /** A parent flag that is not on for everybody. */
  readonly parent?: string;
}

/** Members have had the candidate for three hours when everyone gets it at 5 %, for three more. */
function looked({ part, theirs, candidate, current, isBegun = true, metric = { name: 'errors', bad: 'error', max_ratio: 1.2 }, quality = {}, parent, eager = 1 }: Story): ReleaseAssessment {
  const definition: QualityDefinition = readQuality({ source: { log: 'x.jsonl' }, guardrails: [metric], window: '5min', ...quality }).quality ?? assert.fail();
  const world = released(1, PLAN);
  const began = Math.ceil(lastEvent(world) / (5 * MINUTE)) * 5 * MINUTE;
  const raised = began + HOURS * 60 * MINUTE;
  world.at = raised;
  world.apply(planAdvance(PLAN, world.reading()).change);
  // Latencies have a standard deviation of 20 ms; the rest is true or false.
  const variance = metric['mean'] === 'latency_ms' ? 20 ** 2 : undefined;
  const told = (n: number, value: number): { n: number; sum: number; squares: number } => ({ n, sum: n * value, squares: variance === undefined ? n * value : n * (value ** 2 + variance) });
  const windows = Array.from({ length: 2 * HOURS * 12 }, (_, index) => began + index * 5 * MINUTE).flatMap((start): QualityWindow[] => {
    const drawn = start >= lastEvent(world) ? 0.05 : 0;
    const [members, others] = [4000 * part, 4000 * (1 - part)];
    const arm = (name: string, groups: readonly (readonly [n: number, value: number])[]): QualityWindow => {
      const sums = groups.map(([n, value]) => told(n, value)).reduce((a, b) => ({ n: a.n + b.n, sum: a.sum + b.sum, squares: a.squares + b.squares }));
      return { arm: name, environment: 'production', service: 'credit', start, end: start + 5 * MINUTE, requests: sums.n, units: (groups.at(-1)?.[0] ?? 0) / (name === 'candidate' ? eager : 1), metrics: { [String(metric['name'])]: sums } };
    };
    return [arm('candidate', [[members, theirs], [others * drawn * eager, candidate]]), arm('current', [[others * (1 - drawn), current]])];
  }).filter(({ start, requests }) => requests > 0 && (isBegun || start >= raised));
  const { detail, ...rest } = world.reading();
  const dependencies = parent === undefined ? [] : [{ feature: parent, enabled: true, variants: [] }];
  const reading = { ...rest, detail: { ...detail, flag: { ...detail.flag, dependencies } } };
  return assess(world, windows, { reading, model: model({ plan: PLAN, quality: definition }), quality: { kind: 'data', data: data(windows) } });
}

const said = ({ verdict }: ReleaseAssessment): string => verdict.reasons.map(({ words }) => words).join('\n');

describe('members of a segment who have the candidate beside the percentage', () => {
  it('take no release back by what may be theirs alone, and somebody is told', () => {
    const found = looked({ part: 0.02, theirs: 0.06, candidate: 0.02, current: 0.02 });
    assert.deepEqual([found.verdict.word, found.verdict.alarm], ['insufficient data', true], said(found));
    assert.match(said(found), /errors 3\.2 % vs 2 % .*members of segment internal count in it, who have the candidate whatever the percentage is, up to about 29 % of its predictions, and it may be theirs alone: leave them out .* where: coalesce\(features\.group, ""\) != "internal"/);
  });

  it('let no release go on by what may be better of theirs', () => {
    const found = looked({ part: 0.1, theirs: 0.003, candidate: 0.04, current: 0.02 });
    assert.equal(found.verdict.word, 'hold', said(found));
    assert.match(said(found), /up to about 69 % of its predictions, and theirs may be better: of the others it is not shown; leave them out/);
  });

  for (const part of [0, 0.0005, 0.005, 0.02]) {
    it(`keep a healthy release from nothing, nor a bad one from being taken back, where they are ${100 * part} % of all and like the others`, () => {
      for (const theirs of [0.02, 0.01]) assert.equal(looked({ part, theirs, candidate: 0.02, current: 0.02 }).verdict.word, 'advance');
      for (const theirs of [0.04, 0.02]) assert.equal(looked({ part, theirs, candidate: 0.04, current: 0.02 }).verdict.word, 'rollback', `theirs ${theirs}`);
      assert.notEqual(looked({ part, theirs: 0.003, candidate: 0.04, current: 0.02 }).verdict.word, 'advance');
    });
  }

  it('hide no breach that they cannot be all of, also where nothing is known of them from before', () => {
    assert.equal(looked({ part: 0.02, theirs: 0.5, candidate: 0.5, current: 0.02, isBegun: false }).verdict.word, 'rollback');
    assert.equal(looked({ part: 0.005, theirs: 0.5, candidate: 0.2, current: 0.02, isBegun: false }).verdict.word, 'rollback');
    assert.equal(looked({ part: 0.02, theirs: 0.04, candidate: 0.04, current: 0.02, isBegun: false }).verdict.word, 'rollback');
  });

  it('hide no breach where hardly anything fails, or values lie far apart', () => {
    for (const part of [0.001, 0.005, 0.02]) {
      assert.equal(looked({ part, theirs: 0, candidate: 0.03, current: 0 }).verdict.word, 'rollback', `errors, ${part}`);
      const metric = { name: 'latency', mean: 'latency_ms', better: 'lower', margin: 5 };
      assert.equal(looked({ part, theirs: 50, candidate: 80, current: 50, metric }).verdict.word, 'rollback', `latency, ${part}`);
    }
    assert.equal(looked({ part: 0.1, theirs: 0.06, candidate: 0.06, current: 0.02 }).verdict.word, 'rollback');
  });

  it('are not taken for more than they can be where users who ask much were drawn by chance', () => {
    assert.equal(looked({ part: 0.0005, theirs: 0.04, candidate: 0.04, current: 0.02, eager: 1.6 }).verdict.word, 'rollback');
    assert.equal(looked({ part: 0.0005, theirs: 0.02, candidate: 0.02, current: 0.02, eager: 1.1 }).verdict.word, 'advance');
  });

  it('let nothing go on where nobody knows how many they are, and are no reason to keep up what is worse', () => {
    const [fine, bad] = [0.02, 0.04].map((candidate) => looked({ part: 0.005, theirs: 0.02, candidate, current: 0.02, parent: 'base' }));
    assert.match(said(fine!), /how many of its predictions are theirs is not known: the condition on base decides beside the percentage who gets the candidate; leave them out/);
    assert.deepEqual([fine!.verdict.word, bad!.verdict.word], ['hold', 'rollback']);
    const command = { quality: { source: { exec: ['windows'] } } };
    assert.equal(looked({ part: 0, theirs: 0, candidate: 0.02, current: 0.02, parent: 'base', ...command }).verdict.word, 'advance', 'what a command leaves out nobody knows');
  });

  it('do not count where the definition says who is compared; of a source that knows no where only the counts tell', () => {
    const where = { quality: { where: 'features.group != "internal"' } };
    assert.equal(looked({ part: 0.02, theirs: 0.06, candidate: 0.02, current: 0.02, ...where }).verdict.word, 'rollback', 'what is counted then is of the others');
    const command = { quality: { source: { exec: ['windows'] }, where: 'features.group != "internal"' } };
    const found = looked({ part: 0.02, theirs: 0.06, candidate: 0.02, current: 0.02, ...command });
    assert.match(said(found), /it may be theirs alone: leave them out of what the source tells, such as by a matcher in its queries/);
    assert.equal(looked({ part: 0, theirs: 0, candidate: 0.02, current: 0.02, ...command }).verdict.word, 'advance', 'which has left them out');
  });

  it('are told apart in means as far as their values may differ', () => {
    const metric = { name: 'latency', mean: 'latency_ms', margin: 5 };
    const word = (story: Omit<Story, 'metric'>): string => looked({ ...story, metric }).verdict.word;
    assert.equal(word({ part: 0.02, theirs: 80, candidate: 40, current: 40 }), 'insufficient data', 'worse by theirs alone');
    assert.equal(word({ part: 0.1, theirs: 20, candidate: 50, current: 40 }), 'hold', 'better by theirs alone');
    assert.equal(word({ part: 0.001, theirs: 42, candidate: 40, current: 40 }), 'advance');
    assert.equal(word({ part: 0.02, theirs: 60, candidate: 60, current: 40 }), 'rollback');
    const accuracy = { name: 'accuracy', mean: 'is_right == 1', better: 'higher', margin: 0.02 };
    const right = (story: Pick<Story, 'part' | 'theirs' | 'candidate'>): string => looked({ ...story, current: 0.9, metric: accuracy }).verdict.word;
    assert.equal(right({ part: 0.02, theirs: 0.7, candidate: 0.9 }), 'insufficient data');
    assert.equal(right({ part: 0.02, theirs: 0.99, candidate: 0.87 }), 'hold');
    assert.equal(right({ part: 0.005, theirs: 0.8, candidate: 0.8 }), 'rollback');
    assert.equal(right({ part: 0.001, theirs: 0.9, candidate: 0.9 }), 'advance');
  });
});
