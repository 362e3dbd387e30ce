import { hash53, hash53OfBytes } from '../../core/quality/hashing.ts';
import type { Drawn } from '../../core/quality/stager.ts';
import { unitOf } from '../../core/quality/unnamed.ts';
import type { Whose } from '../../core/quality/whose.ts';
import { exactNumber, isBeyond, parsedLine } from '../rows/wholeNumbers.ts';
import { ByteTimes } from './byteTimes.ts';
import type { TextReader} from './byteValues.ts';
import { endOfText, Expected, LINE_END, MINUS, NINE, NumberReader, QUOTE, ZERO } from './byteValues.ts';
import { isRepeated, shapeOf, type Shape, type Slot, type Wanted } from './lineShape.ts';

/** Shapes that are tried: predictions, outcomes, shadows. */
const MOST_SHAPES = 4;
/** When so many lines of no known shape have come, only one of so many others is learnt from: that costs little where lines are never alike, and those that are alike from then on are soon known. */
const [MOST_LEARNT, SELDOM] = [200, 1000];
/** So many special shapes are tried before a general one: an arm or two, with their versions, of some services. */
const MOST_SPECIAL = 8;
/** Lines of a shape after which it is specialized again, at most. */
const MOST_SHOWN = 65_536;
/** A backslash, or a control character, which JSON does not allow in a text as it stands. */
const SPECIAL = /[^ -[\]-\uffff]/;
const [NULL, TRUE, FALSE] = [new Expected('null'), new Expected('true'), new Expected('false')];

/**
 * Reads records from lines of JSON, as bytes. A log's lines are all alike: the same names in the same order. What stands between the values of one line is looked for in the next, so that only
 * values have to be read, and of those only the ones that somebody wants: ids as their hashes, times as numbers. A line that is not like those before goes through `JSON.parse`, which decides what is right:
 * nothing here takes a line that it does not.
 */
export class LineReader implements Drawn {
  readonly #wanted: Wanted;
  readonly #shapes: Shape[] = [];
  readonly #numbers = new NumberReader();
  readonly #times = new ByteTimes();
  /** How many lines were of no shape. */
  #others = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the value that was read ends; -1: it is not one that is read here. */
  #at = 0;
  #idStart = 0;
  #idEnd = 0;
  /** The request's id, where it is a number. */
  #idNumber: number | string | undefined;
  #batch = 0;
  #unit = 0;
  #features: unknown[] | undefined;
  request = 0;
  time = Number.NaN;
  /** Where the line after the one that was read begins. */
  end = 0;
  /** Whether ids and time of the last record stand here and not in it. */
  isDrawn = false;
  whose: Whose | undefined;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
  }

  get unit(): number {
    return unitOf(this.#batch, this.#unit);
  }

  get features(): readonly unknown[] | undefined {
    return this.#features;
  }

  requestId(): string {
    return this.#idNumber === undefined ? this.#bytes.toString('latin1', this.#idStart, this.#idEnd) : String(this.#idNumber);
  }

  /** Takes bytes to read from. After the last line's end there must be as many more as a line may have between two values. */
  take(bytes: Buffer): void {
    if (bytes === this.#bytes) return;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The value of the line that begins at a place and has an end. A record is the caller's until the next call. @throws SyntaxError when it is no JSON; `end` is known even then */
  read(start: number): unknown {
    for (let index = 0; index < this.#shapes.length; index += 1) {
      const shape = this.#shapes[index];
      const found = shape === undefined ? undefined : this.#filled(shape, start);
      if (shape === undefined || found === undefined) continue;
      // The shape that came last comes next.
      if (index > 0) [this.#shapes[0], this.#shapes[index]] = [shape, this.#shapes[0] ?? shape];
      this.isDrawn = shape.isDrawn;
      this.whose = found.whose;
      return found.record;
    }
    this.isDrawn = false;
    this.whose = undefined;
    this.end = this.#bytes.indexOf(LINE_END, start) + 1;
    const line = this.line(start);
    const value = parsedLine(line);
    if (this.#isLearnt() && typeof value === 'object' && value !== null && !Array.isArray(value) && !SPECIAL.test(line.trimEnd())) this.#learn(line, value as Record<string, unknown>);
    return value;
  }

  /** The line that begins at a place and was read last. */
  line(start: number): string {
    return this.#bytes.toString('utf8', start, this.end - 1);
  }

  /** The shape, or a special one of it, that a line is of. */
  #filled(shape: Shape, start: number): Shape | undefined {
    this.request = this.#batch = this.#unit = this.#idStart = this.#idEnd = 0;
    this.#idNumber = undefined;
    this.time = Number.NaN;
    const at = this.#values(shape.lead, start);
    if (at < 0) return undefined;
    const { special } = shape;
    for (let index = 0; index < special.length; index += 1) {
      const each = special[index];
      if (each === undefined || !this.#fill(each, at)) continue;
      // Those that come often are tried first.
      if (index > 0) [special[index - 1], special[index]] = [each, special[index - 1] ?? each];
      return each;
    }
    if (!this.#fill(shape, at)) return undefined;
    shape.lines += 1;
    if (shape.lines >= shape.shown) this.#specialize(shape, start);
    return shape;
  }

  #specialize(shape: Shape, start: number): void {
    if (shape.slots.some(isRepeated)) {
      const line = this.line(start);
      const special = shapeOf(line, parsedLine(line) as Record<string, unknown>, this.#wanted, shape);
      if (special !== undefined) shape.special.unshift(special);
      if (shape.special.length > MOST_SPECIAL) shape.special.pop();
      // Where values are so many that special shapes are of little use, they are seldom made.
      if (shape.special.length > 1) shape.shown = Math.min(MOST_SHOWN, 2 * shape.shown);
    }
    shape.lines = 0;
    for (const { put } of shape.slots) put.length = 0;
  }

  #fill({ slots, after, features }: Shape, start: number): boolean {
    this.#features = features;
    const at = this.#values(slots, start);
    if (at < 0 || !after.isAt(this.#view, at)) return false;
    this.end = at + after.length;
    return true;
  }

  /** Reads the values of slots from a place on. Answers where the last one ends; -1: something else stands there. */
  #values(slots: readonly Slot[], start: number): number {
    let at = start;
    for (let index = 0; index < slots.length; index += 1) {
      const slot = slots[index];
      if (slot?.before.isAt(this.#view, at) !== true) return -1;
      this.#at = at + slot.before.length;
      this.#value(slot);
      if (this.#at < 0) return -1;
      at = this.#at;
    }
    return at;
  }

  #value(slot: Slot): void {
    const first = this.#bytes[this.#at] ?? 0;
    if (first === QUOTE) {
      this.#text(slot);
    } else if (first === MINUS || (first >= ZERO && first <= NINE)) {
      const start = this.#at;
      const number = this.#numbers.read(this.#bytes, start);
      this.#at = this.#numbers.end;
      this.#put(slot, slot.isOwn && isBeyond(number) ? exactNumber(number, this.#bytes.toString('latin1', start, this.#at)) : number);
    } else if (NULL.isAt(this.#view, this.#at)) {
      this.#at += NULL.length;
      this.#put(slot, null);
    } else if (FALSE.isAt(this.#view, this.#at)) {
      this.#at += FALSE.length;
      this.#put(slot, false);
    } else if (TRUE.isAt(this.#view, this.#at)) {
      this.#at += TRUE.length;
      this.#put(slot, true);
    } else {
      this.#at = -1;
    }
  }

  #text(slot: Slot): void {
    const start = this.#at + 1;
    if (slot.kind === 'value') {
      this.#at = this.#read(slot.texts, start, slot);
      return;
    }
    if (slot.kind === 'time') {
      this.#time(slot, this.#times.read(this.#bytes, start));
      this.#at = this.#times.end;
      return;
    }
    const end = endOfText(this.#bytes, start, slot.kind !== 'unwanted');
    this.#at = end < 0 ? -1 : end + 1;
    if (end < 0 || slot.kind === 'unwanted') return;
    this.#id(slot, end === start ? 0 : hash53OfBytes(this.#bytes, start, end));
    if (slot.kind !== 'request') return;
    this.#idStart = start;
    this.#idEnd = end;
  }

  #read(texts: TextReader, start: number, slot: Slot): number {
    const text = texts.read(this.#bytes, start);
    if (texts.end >= 0) this.#put(slot, text);
    return texts.end;
  }

  #time({ put }: Slot, time: number): void {
    if (put.length === 0) put.push(time);
    this.time = time;
  }

  #id({ kind, put }: Slot, hash: number): void {
    if (put.length === 0) put.push(hash);
    if (kind === 'request') this.request = hash;
    else if (kind === 'batch') this.#batch = hash;
    else this.#unit = hash;
  }

  #put(slot: Slot, value: string | number | boolean | null): void {
    if (slot.kind === 'value') {
      if (Object.is(slot.held, value)) return;
      const { put, few } = slot;
      if (put.length <= few && !put.includes(value)) put.push(value);
      slot.held = value;
      if (slot.place >= 0 && this.#features !== undefined) this.#features[slot.place] = value;
      else slot.into[slot.name] = value;
    } else if (slot.kind === 'time') {
      this.#time(slot, this.#times.of(value));
    } else if (slot.kind !== 'unwanted' && (typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)))) {
      // An id may be a number: its text is what counts.
      this.#id(slot, hash53(String(value)));
      if (slot.kind === 'request') this.#idNumber = value;
    }
  }

  /** Whether the next line that is of no shape is learnt from. */
  #isLearnt(): boolean {
    this.#others += 1;
    return this.#others <= MOST_LEARNT || this.#others % SELDOM === 0;
  }

  #learn(line: string, value: Record<string, unknown>): void {
    const shape = shapeOf(line, value, this.#wanted);
    if (shape === undefined) return;
    this.#shapes.unshift(shape);
    if (this.#shapes.length > MOST_SHAPES) this.#shapes.pop();
  }
}
