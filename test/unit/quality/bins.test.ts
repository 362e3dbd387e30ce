import assert from 'node:assert/strict';
import { LATENCY_EDGES, latencyBin, NO_BIN, RANKED_EDGES, rankedBin, SCORE_EDGES, scoreBin } from '../../../src/core/quality/bins.ts';
import { binOf } from '../../../src/core/quality/stats/driftMeasures.ts';
import { seeded } from '../../support/guardSimulation.ts';

describe('bins of latencies and scores', () => {
  /** Edges, and what lies as near to them as numbers can. */
  const nearEdges = (edges: readonly number[]): number[] => edges.flatMap((edge) => [edge, edge * (1 + Number.EPSILON), edge * (1 - Number.EPSILON)]);
  const odd = [0, -0, -1, 1, 2, 1e-9, 1e12, Number.MAX_VALUE, -Number.MAX_VALUE];

  for (const [name, edges, bin] of [['latency', LATENCY_EDGES, latencyBin], ['score', SCORE_EDGES, scoreBin]] as const) {
    it(`are those that a search finds: ${name}`, () => {
      const random = seeded(3);
      const values = [...odd, ...nearEdges(edges), ...Array.from({ length: 20_000 }, () => random()), ...Array.from({ length: 20_000 }, () => 10 ** (8 * random() - 2))];
      for (const value of values) assert.equal(bin(value), binOf(edges, value), String(value));
      for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) assert.equal(bin(value), NO_BIN);
    });
  }

  it('of scores with an outcome are in order, finer near 0 and 1, and hold what is outside 0 to 1 apart', () => {
    assert.ok(RANKED_EDGES.every((edge, index) => index === 0 || edge > (RANKED_EDGES[index - 1] ?? 0)));
    assert.deepEqual([-5, -1e-12, 0, 1, 1 + 1e-9, 7].map(rankedBin), [0, 0, 1, RANKED_EDGES.length - 1, RANKED_EDGES.length, RANKED_EDGES.length]);
    assert.ok(SCORE_EDGES.every((edge) => RANKED_EDGES.includes(edge)));
  });
});
