import type { Constraint, FlagEnvironment, Segment, Strategy } from '../../../src/core/flags/model.ts';

/** A strategy with the given parts over the defaults of a flexible rollout of 100 % sticky on userId. */
export function strategy(parts: Partial<Strategy> = {}): Strategy {
  return { id: 's', name: 'flexibleRollout', title: '', disabled: false, parameters: { rollout: '100', stickiness: 'userId', groupId: 'flag' }, constraints: [], segments: [], variants: [], ...parts };
}

export function gradual(rollout: number | string, parts: Partial<Strategy> = {}, draw: { groupId?: string; stickiness?: string } = {}): Strategy {
  return strategy({ ...parts, parameters: { rollout: String(rollout), stickiness: draw.stickiness ?? 'userId', groupId: draw.groupId ?? 'flag' } });
}

export function environment(...strategies: Strategy[]): FlagEnvironment {
  return { name: 'production', type: 'production', enabled: true, strategies };
}

export function constraint(contextName: string, operator: string, operand: string | readonly string[], parts: Partial<Constraint> = {}): Constraint {
  const operands = typeof operand === 'string' ? { values: [], value: operand } : { values: operand };
  return { contextName, operator, inverted: false, caseInsensitive: false, ...operands, ...parts };
}

export function segmentsOf(...segments: Segment[]): ReadonlyMap<number, Segment> {
  return new Map(segments.map((segment) => [segment.id, segment]));
}

/** Numbers in [0, 1) from a seed (mulberry32), so that a failing case can be run again. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
