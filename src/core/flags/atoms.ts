import type { Literal, Predicate } from './audiences.ts';

/** Above this many predicates the combinations (2^n) are no longer enumerated. */
export const MOST_PREDICATES = 12;

function numberHolds(operator: string, value: number, limit: number): boolean {
  switch (operator) {
    case 'NUM_EQ': return value === limit;
    case 'NUM_GT':
    case 'DATE_AFTER': return value > limit;
    case 'NUM_GTE': return value >= limit;
    case 'NUM_LT':
    case 'DATE_BEFORE': return value < limit;
    case 'NUM_LTE': return value <= limit;
    default: return false;
  }
}

interface Use {
  readonly bit: number;
  readonly literal: Literal;
  readonly listed: ReadonlySet<string>;
}

/** Whether a `list` or `number` literal holds for a field's value; undefined: the context does not have the field. */
function holds({ literal, listed }: Use, value: string | undefined): boolean {
  const plain = literal.kind === 'list'
    ? value !== undefined && listed.has(value)
    : value !== undefined && numberHolds(literal.operator, Number(value), literal.limit);
  return plain !== literal.negated;
}

/**
 * Values of one field that between them give every combination of answers which the field's literals can give: each listed
 * value, each limit, a number between neighbours, the extremes, something else altogether, and no value.
 */
function sampleValues(literals: readonly Literal[]): (string | undefined)[] {
  const listed = literals.flatMap((literal) => literal.values);
  const samples: (string | undefined)[] = [undefined, '\u0000other', ...listed];
  if (!literals.some((literal) => literal.kind === 'number')) return samples;
  const numbers = [...literals.map((literal) => literal.limit), ...listed.map(Number)].filter((value) => !Number.isNaN(value));
  const points = [...new Set([-Infinity, 0, ...numbers, Infinity])].sort((a, b) => a - b);
  for (const [index, point] of points.entries()) {
    // The trailing blank spells the same number in a way no list contains: the SDKs trim listed values.
    samples.push(String(point), `${point} `);
    const next = points[index + 1];
    if (next !== undefined && Number.isFinite(point) && Number.isFinite(next)) samples.push(`${point / 2 + next / 2} `);
  }
  const finite = points.filter((point) => Number.isFinite(point));
  samples.push(`${Math.min(...finite) - 1} `, `${Math.max(...finite) + 1} `);
  return samples;
}

/** For one field: which predicates stay alive (as bit masks) for each way the field can be. */
function aliveMasks(uses: readonly Use[], all: number): Set<number> {
  const masks = new Set<number>();
  const [first] = uses;
  if (first?.literal.kind === 'opaque') {
    for (const answer of [true, false]) {
      masks.add(uses.reduce((alive, { bit, literal }) => (answer === literal.negated ? alive & ~bit : alive), all));
    }
    return masks;
  }
  for (const value of sampleValues(uses.map((use) => use.literal))) {
    masks.add(uses.reduce((alive, use) => (holds(use, value) ? alive : alive & ~use.bit), all));
  }
  return masks;
}

/**
 * The combinations of predicates that a context can satisfy together, as bit masks (bit i: predicate i holds), ascending.
 * Lists and numbers are decided exactly, field by field; other operators count as free, so a combination may be listed that
 * no context reaches, but none is left out. At most `MOST_PREDICATES` predicates.
 */
export function reachableAtoms(predicates: readonly Predicate[]): readonly number[] {
  const fields = new Map<string, Use[]>();
  let all = 0;
  for (const [index, predicate] of predicates.entries()) {
    if (predicate.impossible !== undefined) continue;
    const bit = 1 << index;
    all |= bit;
    for (const literal of predicate.literals) {
      const name = literal.kind === 'opaque' ? `opaque ${literal.key}` : `field ${literal.field}`;
      const uses = fields.get(name) ?? [];
      uses.push({ bit, literal, listed: new Set(literal.values) });
      fields.set(name, uses);
    }
  }
  let atoms = new Set([all]);
  for (const uses of fields.values()) {
    const masks = aliveMasks(uses, all);
    const next = new Set<number>();
    for (const atom of atoms) for (const mask of masks) next.add(atom & mask);
    atoms = next;
  }
  return [...atoms].sort((a, b) => a - b);
}

/** Several strategies' predicates together, and which combinations of them exist. */
export interface Space {
  /** Distinct, constrained, possible. */
  readonly predicates: readonly Predicate[];
  /** Undefined above `MOST_PREDICATES` predicates. */
  readonly atoms: readonly number[] | undefined;
  /** Bit of a predicate by its key. */
  readonly bits: ReadonlyMap<string, number>;
}

export function spaceOf(all: Iterable<Predicate>): Space {
  const distinct = new Map<string, Predicate>();
  for (const predicate of all) {
    if (predicate.literals.length > 0 && predicate.impossible === undefined && !distinct.has(predicate.key)) distinct.set(predicate.key, predicate);
  }
  const predicates = [...distinct.values()];
  return {
    predicates,
    atoms: predicates.length > MOST_PREDICATES ? undefined : reachableAtoms(predicates),
    bits: new Map(predicates.map((predicate, index) => [predicate.key, 1 << index])),
  };
}

/** Whether a predicate of the space (or one without literals) holds in an atom. */
export function holdsIn(space: Space, atom: number, predicate: Predicate): boolean {
  return predicate.literals.length === 0 || ((space.bits.get(predicate.key) ?? 0) & atom) !== 0;
}
