/**
 * Reads records from lines of JSON. A log's lines are all alike: the same names in the same order. What stands between the values of one line is looked for in the next, so that only values have
 * to be read, and of those only the ones that somebody wants. A line that is not like those before goes through `JSON.parse`, which decides what is right: nothing here takes a line that it does not.
 */

/** A backslash, or a control character, which JSON does not allow in a text as it stands. */
const SPECIAL = /[^ -[\]-\uffff]/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const [QUOTE, COMMA, CLOSE, MINUS, DOT, ZERO, NINE] = [34, 44, 125, 45, 46, 48, 57];
/** Shapes that are tried: predictions, outcomes, shadows. */
const MOST_SHAPES = 4;
/** Lines of a new shape are learnt from no more when so many have been. */
const MOST_LEARNT = 200;
/** A whole number of so many digits is exact, and so is its quotient by a power of ten. */
const EXACT_DIGITS = 15;
const POWERS: readonly number[] = Array.from({ length: EXACT_DIGITS + 1 }, (_, power) => Number(`1e${power}`));

interface Slot {
  /** What stands before the value: from the end of the value before it. */
  readonly before: string;
  readonly name: string;
  /** Where the value goes; undefined: nobody wants it. */
  readonly into: Record<string, unknown> | undefined;
  /** The last text that stood there: few differ from it. */
  last: string;
}

interface Shape {
  readonly slots: readonly Slot[];
  readonly after: string;
  readonly record: Record<string, unknown>;
}

/** Which fields are wanted: of the record, and of its features (undefined: all of them). */
export interface Wanted {
  readonly fields: ReadonlySet<string>;
  readonly features: ReadonlySet<string> | undefined;
}

export class LineReader {
  readonly #wanted: Wanted;
  readonly #shapes: Shape[] = [];
  #learnt = 0;
  /** Where the value that was read ends; -1: it is not one that is read here. */
  #end = 0;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  /** The value of a line. A record is the caller's until the next call. @throws SyntaxError when it is no JSON */
  read(line: string): unknown {
    const isSpecial = SPECIAL.test(line);
    if (!isSpecial) {
      for (let index = 0; index < this.#shapes.length; index += 1) {
        const shape = this.#shapes[index];
        if (shape === undefined || !this.#fill(shape, line)) continue;
        // The shape that came last comes next.
        if (index > 0) [this.#shapes[0], this.#shapes[index]] = [shape, this.#shapes[0] ?? shape];
        return shape.record;
      }
    }
    const value: unknown = JSON.parse(line);
    if (!isSpecial && this.#learnt < MOST_LEARNT && typeof value === 'object' && value !== null && !Array.isArray(value)) this.#learn(line, value as Record<string, unknown>);
    return value;
  }

  #fill({ slots, after }: Shape, line: string): boolean {
    let at = 0;
    for (const slot of slots) {
      if (!line.startsWith(slot.before, at)) return false;
      at += slot.before.length;
      const value = this.#value(line, at, slot);
      if (this.#end < 0) return false;
      at = this.#end;
      if (slot.into !== undefined) slot.into[slot.name] = value;
    }
    return at + after.length === line.length && line.endsWith(after);
  }

  #value(line: string, at: number, slot: Slot): unknown {
    const first = line.charCodeAt(at);
    if (first === QUOTE) return this.#text(line, at + 1, slot);
    if (first === MINUS || (first >= ZERO && first <= NINE)) return this.#number(line, at);
    if (line.startsWith('null', at)) return this.#word(at + 4, null);
    if (line.startsWith('false', at)) return this.#word(at + 5, false);
    if (line.startsWith('true', at)) return this.#word(at + 4, true);
    return this.#word(-1, undefined);
  }

  #word(end: number, value: unknown): unknown {
    this.#end = end;
    return value;
  }

  #text(line: string, start: number, slot: Slot): string {
    const { last } = slot;
    if (line.charCodeAt(start + last.length) === QUOTE && line.startsWith(last, start)) {
      this.#end = start + last.length + 1;
      return last;
    }
    const end = line.indexOf('"', start);
    this.#end = end < 0 ? -1 : end + 1;
    if (end < 0 || slot.into === undefined) return '';
    slot.last = line.slice(start, end);
    return slot.last;
  }

  #number(line: string, start: number): number {
    let at = start + (line.charCodeAt(start) === MINUS ? 1 : 0);
    let [digits, point, number] = [0, -1, 0];
    const first = line.charCodeAt(at);
    for (; ; at += 1) {
      const code = line.charCodeAt(at);
      if (code >= ZERO && code <= NINE) {
        number = 10 * number + code - ZERO;
        digits += 1;
      } else if (code === DOT && point < 0) {
        point = digits;
      } else {
        break;
      }
    }
    const end = line.charCodeAt(at);
    const isPlain = (end === COMMA || end === CLOSE) && digits > 0 && digits <= EXACT_DIGITS && point !== 0 && point !== digits && !(first === ZERO && digits > 1 && point !== 1);
    if (!isPlain) return this.#otherNumber(line, start);
    this.#end = at;
    if (point > 0) number /= POWERS[digits - point] ?? 1;
    return line.charCodeAt(start) === MINUS ? -number : number;
  }

  /** One with an exponent or many digits; what is no number of JSON (01, 1., .5) ends nowhere. */
  #otherNumber(line: string, start: number): number {
    let at = start;
    for (let code = line.charCodeAt(at); at < line.length && code !== COMMA && code !== CLOSE; code = line.charCodeAt(at)) at += 1;
    const text = line.slice(start, at);
    this.#end = NUMBER.test(text) ? at : -1;
    return Number(text);
  }

  #learn(line: string, value: Record<string, unknown>): void {
    this.#learnt += 1;
    const shape = shapeOf(line, value, this.#wanted);
    if (shape === undefined) return;
    this.#shapes.unshift(shape);
    if (this.#shapes.length > MOST_SHAPES) this.#shapes.pop();
  }
}

/** Where the value at a place ends: texts without escapes, numbers and words. */
function endOf(line: string, at: number): number {
  if (line.charCodeAt(at) === QUOTE) return line.indexOf('"', at + 1) + 1;
  let end = at;
  while (end < line.length && !', }\t\r\n'.includes(line.charAt(end))) end += 1;
  return end;
}

/** The shape of a line, whose value is known; undefined when it has lists, or mappings other than one step deep. */
function shapeOf(line: string, value: Record<string, unknown>, { fields, features }: Wanted): Shape | undefined {
  const slots: Slot[] = [];
  const record: Record<string, unknown> = {};
  const seen = new Set<string>();
  let [at, from] = [0, 0];
  /** Passes over the name of a field and what stands around it; false when it does not stand there. */
  const pass = (name: string): boolean => {
    const place = line.indexOf(`"${name}"`, at);
    if (place < 0 || !/^[\s,{}]*$/.test(line.slice(at, place))) return false;
    at = place + name.length + 2;
    while (/[\s:]/.test(line.charAt(at))) at += 1;
    return true;
  };
  const add = (name: string, into: Record<string, unknown> | undefined): void => {
    slots.push({ before: line.slice(from, at), name, into, last: '' });
    if (into !== undefined) into[name] = null;
    at = endOf(line, at);
    from = at;
  };
  for (const [name, each] of Object.entries(value)) {
    // A name that stands twice, or that means something to JavaScript.
    if (seen.has(name) || name === '__proto__' || !pass(name)) return undefined;
    seen.add(name);
    const isWanted = fields.has(name);
    if (Array.isArray(each)) return undefined;
    if (typeof each !== 'object' || each === null) {
      add(name, isWanted ? record : undefined);
      continue;
    }
    const inner: Record<string, unknown> = {};
    if (isWanted) record[name] = inner;
    for (const [field, deep] of Object.entries(each)) {
      if ((typeof deep === 'object' && deep !== null) || field === '__proto__' || !pass(field)) return undefined;
      add(field, isWanted && (name !== 'features' || features === undefined || features.has(field)) ? inner : undefined);
    }
  }
  const after = line.slice(from);
  return slots.length === 0 || !/^[\s}]*$/.test(after) ? undefined : { slots, after, record };
}
