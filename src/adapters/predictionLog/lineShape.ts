import { Whose, WHOSE_FIELDS } from '../../core/quality/whose.ts';
import { Expected, TextReader } from './byteValues.ts';

/** Longer texts between two values are no shape: a reader need not look so far. */
export const LONGEST_BETWEEN = 4096;
/** Fields of which few combinations of values come again and again: whose the answer is, and mostly no error. */
const COMMON: ReadonlySet<string> = new Set([...WHOSE_FIELDS, 'app_version', 'error']);
/** So many values of such a field are few. */
const FEW = 4;
/** After so many lines of a shape it shows of which values there are few. */
const SHOWN = 256;

/** `value` goes into the record; ids and times are read as numbers; `unwanted` is passed over. */
export type SlotKind = 'value' | 'request' | 'unit' | 'batch' | 'time' | 'unwanted';
const DRAWN: Readonly<Record<string, SlotKind>> = { request_id: 'request', unit_id: 'unit', batch_id: 'batch', ts: 'time' };

/** The place of a value. */
export interface Slot {
  /** What stands before the value: from the end of the value before it. */
  readonly before: Expected;
  readonly name: string;
  readonly kind: SlotKind;
  /** Where the value goes: to a name, or to a place of the listed features. */
  readonly into: Record<string, unknown>;
  readonly place: number;
  /** Whether it is a field of the record itself. */
  readonly isOwn: boolean;
  readonly texts: TextReader;
  /** What `into` holds. */
  held: unknown;
  /** Up to how many values are few, so that special shapes are made of each. */
  readonly few: number;
  /** What was put since the shape was specialized, until it is more than that. */
  readonly put: unknown[];
}

export interface Shape {
  /** Places of values that are read apart from the record, or passed over, before the first of another kind: the same in all its special shapes. */
  readonly lead: readonly Slot[];
  readonly slots: readonly Slot[];
  /** With the end of the line. */
  readonly after: Expected;
  readonly record: Record<string, unknown>;
  /** The values of the features that are `listed`. */
  readonly features: unknown[] | undefined;
  /** Whether ids and times are read apart from the record. */
  readonly isDrawn: boolean;
  /** Where all its lines say the same of whose they are. */
  readonly whose: Whose | undefined;
  /** Shapes of those lines that have the same values at some places: there the values stand between the slots. */
  readonly special: Shape[];
  /** How many lines were of it, and of none of the special ones, since it was specialized; and at how many it is again. */
  lines: number;
  shown: number;
}

/** Which fields are wanted: of the record, and of its features (undefined: all of them). */
export interface Wanted {
  readonly fields: ReadonlySet<string>;
  readonly features: ReadonlySet<string> | undefined;
  /** Features of which only the values are wanted, in this order, apart from the record; undefined: they are wanted in it. */
  readonly listed: readonly string[] | undefined;
  /** Whether ids and times are wanted as they stand, because an expression asks for one. */
  readonly asWritten: boolean;
}

/** Where the value at a place ends: texts without escapes, numbers and words. */
function endOf(line: string, at: number): number {
  if (line.charCodeAt(at) === 34) return line.indexOf('"', at + 1) + 1;
  let end = at;
  while (end < line.length && !', }\t\r\n'.includes(line.charAt(end))) end += 1;
  return end;
}

/** Whether a value was one of few all the time, or an id that nobody has. */
export function isRepeated({ kind, few, put }: Slot): boolean {
  return kind !== 'unwanted' && put.length <= few;
}

/** The shape of a line, whose value is known; undefined when it has lists, or mappings other than one step deep. `general`: an earlier shape of such lines, of which repeated values are to stand as they are. */
export function shapeOf(line: string, value: Record<string, unknown>, { fields, features, listed, asWritten }: Wanted, general?: Shape): Shape | undefined {
  const slots: Slot[] = [];
  const record: Record<string, unknown> = {};
  const values = listed?.map((): unknown => undefined);
  let [at, from] = [0, 0];
  /** Passes over the name of a field and what stands around it; false when it does not stand there. */
  const pass = (name: string): boolean => {
    const place = line.indexOf(`"${name}"`, at);
    if (place < 0 || !/^[\s,{}]*$/.test(line.slice(at, place))) return false;
    at = place + name.length + 2;
    while (/[\s:]/.test(line.charAt(at))) at += 1;
    return true;
  };
  const lead = general?.lead.length ?? 0;
  let known = 0;
  const add = (name: string, into: Record<string, unknown>, kind: SlotKind, each: unknown, place = -1): void => {
    const same = known < lead ? undefined : general?.slots[known - lead];
    if (same?.name === name && isRepeated(same)) {
      if (place >= 0 && values !== undefined) values[place] = each;
      else if (kind === 'value') into[name] = each;
      at = endOf(line, at);
    } else {
      slots.push({ before: new Expected(line.slice(from, at)), name, kind, into, place, isOwn: into === record, texts: new TextReader(), held: null, few: kind !== 'value' ? 0 : into === record && COMMON.has(name) ? FEW : 1, put: [] });
      if (place >= 0 && values !== undefined) values[place] = null;
      else if (kind === 'value') into[name] = null;
      at = endOf(line, at);
      from = at;
    }
    known += 1;
  };
  for (const [name, each] of Object.entries(value)) {
    // A name that means something to JavaScript.
    if (name === '__proto__' || Array.isArray(each) || !pass(name)) return undefined;
    const isWanted = fields.has(name);
    const drawn = !asWritten && Object.hasOwn(DRAWN, name) ? DRAWN[name] : undefined;
    if (typeof each !== 'object' || each === null) {
      add(name, record, isWanted ? drawn ?? 'value' : 'unwanted', each);
      continue;
    }
    // A time that is none is not one that is missing.
    if (drawn !== undefined) return undefined;
    const inner: Record<string, unknown> = {};
    if (isWanted) record[name] = inner;
    for (const [field, deep] of Object.entries(each)) {
      if ((typeof deep === 'object' && deep !== null) || field === '__proto__' || !pass(field)) return undefined;
      add(field, inner, isWanted && (name !== 'features' || features === undefined || features.has(field)) ? 'value' : 'unwanted', deep, name === 'features' && listed !== undefined ? listed.indexOf(field) : -1);
    }
  }
  const after = new Expected(`${line.slice(from)}\n`);
  if (slots.length === 0 || !/^[\s}]*$/.test(line.slice(at)) || Math.max(after.length, ...slots.map(({ before }) => before.length)) > LONGEST_BETWEEN) return undefined;
  const first = slots.findIndex(({ kind }) => kind === 'value');
  const split = general === undefined ? (first < 0 ? slots.length : first) : lead;
  const isOfOne = !asWritten && slots.every((slot) => !slot.isOwn || slot.kind !== 'value' || !WHOSE_FIELDS.has(slot.name));
  return { lead: slots.slice(0, split), slots: slots.slice(split), after, record, features: values, isDrawn: !asWritten, whose: isOfOne ? new Whose() : undefined, special: [], lines: 0, shown: SHOWN };
}
