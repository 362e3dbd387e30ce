import type { Source, Span, TextEdit } from '../syntax.ts';
import { factAt, type Fact } from './facts.ts';

/**
 * The facts of one text by word, found on demand: a word that nobody asks for costs nothing. A change drops the facts
 * that it touches, shifts the others and looks again only at what changed, for the words that are known.
 */
export class FactStore {
  #facts = new Map<string, readonly Fact[]>();
  /** Spans of the newest text that must be looked at again before the facts are right. */
  #dirty: Span[] = [];
  #asked = new Set<string>();
  #source: Source | undefined;

  change(edits: readonly TextEdit[], reparsed: readonly Span[]): void {
    for (const edit of edits) {
      this.#dirty = this.#dirty.map((span) => through(edit, span));
      this.#dirty.push({ start: edit.start, end: edit.newEnd });
      this.#keep((fact) => shifted(edit, fact), (fact) => through(edit, fact));
    }
    this.#dirty.push(...reparsed);
    for (const span of reparsed) {
      this.#keep((fact) => fact.end < span.start || fact.start > span.end ? fact : undefined, (fact) => fact);
    }
  }

  /** Starts a pass over a version of the text. */
  begin(source: Source): void {
    this.#source = source;
    this.#asked = new Set();
    const dirty = merged(this.#dirty);
    this.#dirty = [];
    if (dirty.length === 0) return;
    for (const [word, facts] of this.#facts) {
      this.#facts.set(word, combined(facts, dirty.flatMap((span) => factsWithin(source, word, span))));
    }
  }

  /** Ends the pass: words that it did not ask for are forgotten. */
  end(): void {
    for (const word of this.#facts.keys()) if (!this.#asked.has(word)) this.#facts.delete(word);
  }

  /** What is known of a word in the order of the text. */
  facts(word: string): readonly Fact[] {
    // A parser that mends a broken text puts identifiers of no characters in.
    if (!this.#source || word === '') return [];
    this.#asked.add(word);
    const known = this.#facts.get(word);
    if (known) return known;
    const facts = factsWithin(this.#source, word, { start: 0, end: this.#source.text.length });
    this.#facts.set(word, facts);
    return facts;
  }

  /** Replaces each fact by its new self; what has none is dropped, and its place is looked at again. */
  #keep(next: (fact: Fact) => Fact | undefined, place: (fact: Fact) => Span): void {
    for (const [word, facts] of this.#facts) {
      this.#facts.set(word, facts.flatMap((fact) => {
        const kept = next(fact);
        if (!kept) {
          const { start, end } = place(fact);
          this.#dirty.push({ start, end });
        }
        return kept ?? [];
      }));
    }
  }
}

/** A fact after an edit, or undefined when the edit touches it (an edit right beside it may have grown it). */
function shifted(edit: TextEdit, fact: Fact): Fact | undefined {
  if (fact.end < edit.start) return fact;
  if (fact.start <= edit.oldEnd) return undefined;
  const by = edit.newEnd - edit.oldEnd;
  return by === 0 ? fact : { ...fact, at: fact.at + by, start: fact.start + by, end: fact.end + by };
}

/** The span of the new text that holds all that is left of a span of the old one, and the edit if they touch. */
function through(edit: TextEdit, span: Span): Span {
  const by = edit.newEnd - edit.oldEnd;
  if (span.end < edit.start) return span;
  if (span.start > edit.oldEnd) return { start: span.start + by, end: span.end + by };
  return { start: Math.min(span.start, edit.start), end: Math.max(span.end + by, edit.newEnd) };
}

function merged(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const last = result.at(-1);
    if (last && span.start <= last.end) result[result.length - 1] = { start: last.start, end: Math.max(last.end, span.end) };
    else result.push(span);
  }
  return result;
}

function combined(old: readonly Fact[], found: readonly Fact[]): readonly Fact[] {
  if (found.length === 0) return old;
  const byPlace = new Map(old.map((fact) => [fact.at, fact]));
  for (const fact of found) byPlace.set(fact.at, fact);
  return [...byPlace.values()].sort((a, b) => a.at - b.at);
}

/** The facts about a word that touches the span. */
function factsWithin(source: Source, word: string, span: Span): readonly Fact[] {
  const { text } = source;
  const facts: Fact[] = [];
  const last = Math.min(span.end, text.length - word.length);
  for (let at = text.indexOf(word, Math.max(0, span.start - word.length)); at !== -1 && at <= last; at = text.indexOf(word, at + word.length)) {
    if (isWordCharacter(text.charCodeAt(at - 1)) || isWordCharacter(text.charCodeAt(at + word.length))) continue;
    const fact = factAt(source, word, at);
    if (fact) facts.push(fact);
  }
  return facts;
}

/** ASCII letters, digits and `_`: a cheap first look. The syntax tree has the last word on other alphabets. */
function isWordCharacter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95;
}
