/** Edits (insert, delete, replace, swap neighbours) that turn one text into the other; `most + 1` when it takes more than `most`. */
function distance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      const edits = [(last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (last[column - 1] ?? 0) + (isSame ? 0 : 1)];
      if (isSwapped) edits.push((before[column - 2] ?? 0) + 1);
      current.push(Math.min(...edits));
    }
    if (Math.min(...current) > most) return most + 1;
    before = last;
    last = current;
  }
  return Math.min(last[to.length] ?? 0, most + 1);
}

/** The known word that somebody most likely meant: at most a third of the letters differ; undefined when none is near. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Longer words are no names; comparing them with thousands of others would take seconds.
  let most = word.length > 200 ? -1 : Math.max(1, Math.floor(word.length / 3));
  for (const candidate of known) {
    if (most < 0) break;
    const edits = distance(word.toLowerCase(), candidate.toLowerCase(), most);
    if (edits > most) continue;
    best = candidate;
    most = edits - 1;
  }
  return best;
}

/** The known words that somebody may have meant, the likeliest first. */
export function nearestFew(word: string, known: Iterable<string>, most: number): readonly string[] {
  const left = new Set(known);
  const found: string[] = [];
  while (found.length < most) {
    const next = nearest(word, left);
    if (next === undefined) break;
    found.push(next);
    left.delete(next);
  }
  return found;
}

/** ` Did you mean "fraud-v2"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const found = nearest(word, known);
  return found === undefined ? '' : ` Did you mean "${found}"?`;
}
