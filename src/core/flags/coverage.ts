import type { Predicate } from './audiences.ts';
import { holdsIn, reachableAtoms, spaceOf } from './atoms.ts';
import type { Space } from './atoms.ts';
import { unionShare } from './shares.ts';
import type { StrategyShare } from './shares.ts';

/** Who a share is about: everyone not named elsewhere, or the contexts that satisfy predicates. */
export interface AudienceShare {
  /** In words: `everyone`, `everyone else`, `segment internal`, `region in eu, not segment internal`. */
  readonly audience: string;
  /** Short form for a lens: `internal`, `eu`; empty for everyone (else). */
  readonly label: string;
  /** Per cent of the audience's units that get the flag on; equal unless membership in other audiences decides. */
  readonly low: number;
  readonly high: number;
  /** The audience's members satisfy all of these and none of those. */
  readonly holds: readonly Predicate[];
  readonly lacks: readonly Predicate[];
}

export interface Coverage {
  /** Everyone (else) first, then the others in strategy order. */
  readonly audiences: readonly AudienceShare[];
  /** Per cent of everybody, whatever the sizes of the audiences. */
  readonly low: number;
  readonly high: number;
}

/** Above this many overlaps that need a line of their own, each predicate gets one line with a range instead. */
const MOST_OVERLAPS = 16;

function shareIn(space: Space, shares: readonly StrategyShare[], atom: number): number {
  return unionShare(shares, (each) => holdsIn(space, atom, each.predicate));
}

/** Leaves out strategies whose predicate makes no difference to any context, such as 10 % of a segment beside 25 % of everyone. */
function relevant(shares: readonly StrategyShare[], space: Space, atoms: readonly number[]): readonly StrategyShare[] {
  let kept = shares;
  for (const predicate of space.predicates) {
    const without = kept.filter((each) => each.predicate.key !== predicate.key);
    if (atoms.every((atom) => shareIn(space, without, atom) === shareIn(space, kept, atom))) kept = without;
  }
  return kept;
}

function audience(holds: readonly Predicate[], lacks: readonly Predicate[], values: readonly number[]): AudienceShare {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (holds.length === 0) return { audience: lacks.length === 0 ? 'everyone' : 'everyone else', label: '', low, high, holds, lacks };
  const words = holds.map((predicate) => predicate.text).join(' and also ');
  const except = lacks.map((predicate) => predicate.text).join(' nor ');
  return { audience: except === '' ? words : `${words}, not ${except}`, label: holds.map((predicate) => predicate.label).join(' + '), low, high, holds, lacks };
}

/** Splits the atoms into as few audiences as have one share each; what stays mixed becomes single overlaps or ranges. */
function partition(space: Space, atoms: readonly number[], shareOf: (atom: number) => number): AudienceShare[] {
  const { predicates } = space;
  const bitsOf = (mask: number): Predicate[] => predicates.filter((_, index) => (mask & (1 << index)) !== 0);
  const rows: { order: number; row: AudienceShare }[] = [];
  let covered = 0;
  const open = (index: number): number[] => atoms.filter((atom) => (atom & (1 << index)) !== 0 && (atom & covered) === 0);
  const isSettled = (index: number): boolean => {
    const mine = open(index);
    const [first] = mine;
    if (first === undefined || mine.some((atom) => shareOf(atom) !== shareOf(first))) return false;
    // Only what can overlap is worth naming as an exception.
    const overlap = atoms.reduce((mask, atom) => ((atom & (1 << index)) === 0 ? mask : mask | atom), 0) & covered;
    rows.push({ order: index, row: audience(bitsOf(1 << index), bitsOf(overlap), [shareOf(first)]) });
    covered |= 1 << index;
    return true;
  };
  let waiting = predicates.map((_, index) => index);
  for (let before = -1; before !== waiting.length;) {
    before = waiting.length;
    // One at a time, from the start again: a settled audience may settle an earlier one.
    const settled = waiting.find(isSettled);
    if (settled !== undefined) waiting = waiting.filter((index) => index !== settled);
  }
  const mixed = atoms.filter((atom) => atom !== 0 && (atom & covered) === 0);
  if (mixed.length > MOST_OVERLAPS) {
    for (const index of waiting.filter((each) => open(each).length > 0)) {
      rows.push({ order: index, row: audience(bitsOf(1 << index), bitsOf(covered), open(index).map(shareOf)) });
    }
  } else {
    for (const atom of mixed) {
      const near = atoms.reduce((mask, other) => ((other & atom) === atom ? mask | other : mask), 0);
      rows.push({ order: Math.log2(atom & -atom), row: audience(bitsOf(atom), bitsOf(near & ~atom), [shareOf(atom)]) });
    }
  }
  return rows.sort((a, b) => a.order - b.order || a.row.holds.length - b.row.holds.length).map(({ row }) => row);
}

/** Sound bounds per predicate where the combinations are too many: alone at least, with all that can overlap at most. */
function bounds(predicates: readonly Predicate[], shares: readonly StrategyShare[]): AudienceShare[] {
  return predicates.map((predicate) => {
    const meets = (other: Predicate): boolean => other.key === predicate.key || other.literals.length === 0;
    const may = (other: Predicate): boolean => meets(other) || reachableAtoms([predicate, other]).includes(3);
    return audience([predicate], [], [unionShare(shares, (each) => meets(each.predicate)), unionShare(shares, (each) => may(each.predicate))]);
  });
}

/** Which audiences the strategies of an environment make, and what share each gets; `all` is the space of their predicates. */
export function coverage(shares: readonly StrategyShare[], all: Space): Coverage {
  if (all.atoms === undefined) {
    const base = audience([], all.predicates, [unionShare(shares, (each) => each.predicate.literals.length === 0)]);
    const rows = [base, ...bounds(all.predicates, shares)];
    return { audiences: rows, low: base.low, high: Math.max(...rows.map((row) => row.high)) };
  }
  const kept = relevant(shares, all, all.atoms);
  const space = kept === shares ? all : spaceOf(kept.map((each) => each.predicate));
  const atoms = space.atoms ?? [];
  const shareOf = (atom: number): number => shareIn(space, kept, atom);
  const base = atoms.includes(0) ? [audience([], space.predicates, [shareOf(0)])] : [];
  const values = atoms.map(shareOf);
  return { audiences: [...base, ...partition(space, atoms, shareOf)], low: Math.min(...values), high: Math.max(...values) };
}
