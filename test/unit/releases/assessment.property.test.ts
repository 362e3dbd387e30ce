import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { QualityWindow } from '../../../src/core/quality/window.ts';
import type { ReleaseLook } from '../../../src/core/releases/assessment.ts';
import { GUARD_DEFAULTS } from '../../../src/core/workspace/guard.ts';
import { MINUTE, assess, data, lastEvent, model, released, windows } from './assessSupport.ts';

const world = released(3);
const RUNS = { numRuns: 400, seed: 20_261_129 };

interface Case {
  readonly all: readonly QualityWindow[];
  readonly more: Partial<ReleaseLook>;
}

/** What one service logged after the advance to 25 %. */
const traffic = fc.record({
  candidateErrors: fc.constantFrom(0.01, 0.02, 0.02, 0.02, 0.05, 0.3), currentErrors: fc.constantFrom(0.01, 0.02, 0.02, 0.02), count: fc.constantFrom(0, 3, 14, 14, 14),
  share: fc.constantFrom(0.1, 0.25, 0.25, 0.25), late: fc.constantFrom(0, 0, 5, 60), perWindow: fc.constantFrom(50, 1000, 4000),
});
const RARE = fc.constantFrom(true, false, false, false);
const services = fc.array(traffic, { minLength: 0, maxLength: 2 });
const beside = fc.record({ gate: RARE, moved: RARE, wait: fc.constantFrom(0, 10, 200), blind: RARE, onBlind: fc.constantFrom('hold' as const, 'rollback' as const), failed: RARE });

const looks: fc.Arbitrary<Case> = fc.record({ services, beside }).map(({ services: listed, beside: { gate, moved, wait, blind, onBlind, failed } }) => {
  const all = listed.flatMap(({ late, ...each }, index) => windows({ ...each, start: lastEvent(world) + late * MINUTE, service: `service-${index}` })).sort((a, b) => a.start - b.start);
  const now = Math.max(lastEvent(world), ...all.map(({ end }) => end)) + wait * MINUTE + (blind ? 600 * MINUTE : 0);
  return {
    all,
    more: {
      now, gates: gate ? [{ name: 'suites', state: 'shut', words: 'suites: none' }] : [], moved: moved ? MOVED : [],
      model: model({ guard: { ...GUARD_DEFAULTS, onBlind } }), quality: failed ? { kind: 'failed', because: 'refused', last: data(all) } : { kind: 'data', data: data(all) },
    },
  };
});
const MOVED: ReleaseLook['moved'] = [{ model: 'fraud', side: 'on', name: 'challenger', alias: true, pinned: 'v14', now: 'v15' }];

const look = ({ all, more }: Case): ReturnType<typeof assess> => assess(world, all, more);
const moreErrors = (all: readonly QualityWindow[], add: (n: number) => number): QualityWindow[] => all.map((window) => {
  const { n, sum } = window.metrics['errors'] ?? { n: 0, sum: 0 };
  const bad = Math.min(n, sum + add(n));
  return window.arm === 'candidate' ? { ...window, metrics: { errors: { n, sum: bad, squares: bad } } } : window;
});

describe('assessments over random releases', () => {
  it('a breach takes back whatever else there is, and offers the change that does it; nothing else does but blindness where the plan says so', () => {
    const seen = { rollback: 0, advance: 0 };
    fc.assert(fc.property(looks, (each) => {
      const { verdict, look: known, rollback } = look(each);
      const isBreached = known.guardrails.some(({ state }) => state === 'breach');
      assert.equal(verdict.word === 'rollback', isBreached || (known.blind !== undefined && known.onBlind === 'rollback'));
      if (isBreached) assert.equal(verdict.reasons[0]?.kind, 'breach');
      // Lowering waits for nothing: the change is there, without a blocker, whatever gates, aliases or sources say.
      if (verdict.word === 'rollback') assert.ok(rollback.kind === 'change' && rollback.change.blockers.length === 0 && rollback.change.environments.every(({ exposure }) => exposure === 'lower'));
      if (verdict.word === 'rollback') seen.rollback += 1;
      if (verdict.word === 'advance') seen.advance += 1;
    }), RUNS);
    assert.ok(seen.rollback > 15 && seen.advance > 0, JSON.stringify(seen));
  });

  it('what delays or distrusts changes nothing about a breach', () => {
    fc.assert(fc.property(looks, (each) => {
      const isBreach = (found: ReturnType<typeof look>): boolean => found.verdict.reasons[0]?.kind === 'breach';
      const bare = look({ all: each.all, more: { ...each.more, gates: [], moved: [] } });
      const laden = look({ all: each.all, more: { ...each.more, gates: [{ name: 'suites', state: 'shut', words: 'none' }], moved: MOVED } });
      assert.equal(isBreach(bare), isBreach(laden));
    }), { ...RUNS, numRuns: 60 });
  });

  it('missing data neither takes back nor goes on', () => {
    fc.assert(fc.property(looks, fc.constantFrom('candidate', 'current', 'both'), (each, gone) => {
      const all = each.all.filter(({ arm }) => gone !== 'both' && arm !== gone);
      const { verdict } = look({ all, more: { ...each.more, model: model(), quality: { kind: 'data', data: data(all) } } });
      const byLimit = verdict.reasons.every(({ words }) => words.includes('limit'));
      assert.ok(verdict.word !== 'advance' && (verdict.word !== 'rollback' || byLimit), JSON.stringify(verdict));
    }), RUNS);
  });

  it('more bad events of the candidate never turn a rollback into anything better, nor a hold into an advance', () => {
    let kept = 0;
    fc.assert(fc.property(looks, fc.double({ min: 0.01, max: 0.5, noNaN: true }), (each, share) => {
      const before = look(each).verdict.word;
      const all = moreErrors(each.all, (n) => Math.ceil(n * share));
      const { quality } = each.more;
      const after = look({ all, more: { ...each.more, quality: quality?.kind === 'failed' ? { ...quality, last: data(all) } : { kind: 'data', data: data(all) } } }).verdict.word;
      if (before === 'rollback') {
        kept += 1;
        assert.equal(after, 'rollback');
      } else if (before !== 'advance') {
        assert.notEqual(after, 'advance');
      }
    }), RUNS);
    assert.ok(kept > 10, String(kept));
  });

  it('the worst of several services decides: one that is in breach by itself still is beside good ones', () => {
    let breaches = 0;
    fc.assert(fc.property(fc.integer({ min: 1, max: 3 }), fc.constantFrom(0.05, 0.1, 0.3), (others, candidateErrors) => {
      const bad = windows({ start: lastEvent(world), service: 'bad', candidateErrors });
      const good = Array.from({ length: others }, (_, index) => windows({ start: lastEvent(world), service: `good-${index}` })).flat();
      const found = assess(world, [...bad, ...good].sort((a, b) => a.start - b.start));
      assert.equal(found.verdict.word, 'rollback');
      assert.ok(found.verdict.reasons.every(({ words }) => words.startsWith('bad: ')));
      breaches += 1;
    }), { ...RUNS, numRuns: 12 });
    assert.equal(breaches, 12);
  });
});
