import { readSync } from 'node:fs';
import type { FileMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import type { ColumnDecoder, DataPageHeader, DecodedArray, PageHeader } from 'hyparquet/src/types.js';
import { COMPRESSORS } from './compressors.ts';
import { asStored, decimalOf, scaleOf } from './decimals.ts';
import { numbersOf, type ReadNumbers } from './parquetNumbers.ts';
import { hashOfText, plainBytes, plainHashes, plainTexts, textOf } from './parquetTexts.ts';
import { wholeNumber } from './wholeNumbers.ts';

/** A page's header is read with so many bytes, and with more where its statistics are long. */
const HEADER = 4096;
const LONGEST_HEADER = 1024 * 1024;

/** A column whose values are no lists: of the record itself, or of a mapping in it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly schemaPath: SchemaTree[];
}

/** The wanted leaves, by names such as `features.amount`; undefined where one of them is in a list, in a mapping that is kept as a list of keys and values (`MAP`), or deeper than one mapping. `isWithin`: whether something below a name is wanted. */
export function leavesOf({ children }: SchemaTree, root: SchemaTree, isWanted: (name: string) => boolean, isWithin: (name: string) => boolean): readonly Leaf[] | undefined {
  const leaves: Leaf[] = [];
  for (const child of children) {
    if (child.children.some(({ element }) => element.repetition_type === 'REPEATED') && isWithin(child.element.name)) return undefined;
    const inner = child.children.length === 0 ? [[child]] : child.children.map((each) => [child, each]);
    for (const path of inner.filter((each) => isWanted(each.map(({ element }) => element.name).join('.')))) {
      if (path.at(-1)?.children.length !== 0 || path.some(({ element }) => element.repetition_type === 'REPEATED')) return undefined;
      leaves.push({ path: path.map(({ element }) => element.name), schemaPath: [root, ...path] });
    }
  }
  return leaves;
}

/** Whether a column holds texts. */
export function isText({ schemaPath }: Leaf): boolean {
  const { type, converted_type: converted, logical_type: logical } = schemaPath.at(-1)?.element ?? {};
  return type === 'BYTE_ARRAY' && (converted === undefined || converted === 'UTF8') && (logical === undefined || logical.type === 'STRING');
}

/** Whether a column is of the record itself, neither of a mapping in it nor called so. */
export function isOwnColumn(path: readonly string[]): boolean {
  return path.length === 1 && (path[0] ?? '').indexOf('.') <= 0;
}

/** Reads one column of a row group page by page: only one page of it is held. */
export class ColumnPages {
  readonly #file: number;
  readonly #decoder: ColumnDecoder;
  readonly #deepest: number;
  readonly #asHashes: boolean;
  /** Of a DECIMAL. */
  readonly #scale: number | undefined;
  readonly #numbers: ReadNumbers | undefined;
  #offset: number;
  readonly #end: number;
  #dictionary: ArrayLike<unknown> | undefined;
  /** The dictionary, and behind it what stands for a value that is missing. */
  #withNone: () => ArrayLike<unknown> = () => [];
  /** Of a column of hashes: makes the texts of the dictionary, or of the page, which few ask for. */
  #dictionaryTexts: (() => readonly string[]) | undefined;
  #texts: (() => readonly string[]) | undefined;
  /** The values of the page, null where there is none; where there are `indices`, those that they mean. */
  values: ArrayLike<unknown> = [];
  indices: Uint32Array | undefined;
  /** How many values the page has. */
  length = 0;
  /** Whether all of them are the same. */
  isConstant = false;
  /** How deep each value is defined; undefined: all of them wholly. */
  levels: ArrayLike<number> | undefined;
  /** The place of the next value in the page. */
  at = 0;

  /** `file` is an open one. `asHashes`: texts are told as their `hash53`, 0 where there is none. `asMillis`: times are told in milliseconds since 1970 where `RecordTimes` takes those for what they are. */
  constructor(file: number, { path, schemaPath }: Leaf, group: FileMetaData['row_groups'][number], { asHashes = false, asMillis = false } = {}) {
    const metadata = group.columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('\n') === path.join('\n'))?.meta_data;
    const element = schemaPath.at(-1)?.element;
    if (metadata === undefined || element === undefined) throw new Error(`the column ${path.join('.')} is missing in a row group`);
    this.#file = file;
    this.#scale = scaleOf(element);
    this.#decoder = { ...metadata, pathInSchema: [...path], element: this.#scale === undefined ? element : asStored(element), schemaPath, compressors: COMPRESSORS, parsers: DEFAULT_PARSERS };
    this.#deepest = schemaPath.slice(1).filter((step) => step.element.repetition_type === 'OPTIONAL').length;
    this.#asHashes = asHashes;
    this.#numbers = numbersOf(element, asMillis);
    this.#offset = Number(metadata.dictionary_page_offset ?? metadata.data_page_offset);
    this.#end = this.#offset + Number(metadata.total_compressed_size);
  }

  /** Makes sure that there is a next value. @throws Error at the end of the column, or when it is damaged */
  fill(): void {
    while (this.at >= this.length) {
      if (this.#offset >= this.#end) throw new Error(`the column ${this.#decoder.pathInSchema.join('.')} ends early`);
      const { header, start } = this.#header();
      const bytes = this.#read(start, header.compressed_page_size);
      this.#offset = start + header.compressed_page_size;
      if (header.type === 'DICTIONARY_PAGE') this.#takeDictionary(bytes, header);
      else this.#take(bytes, header);
    }
  }

  /** The text of a value of the page, in a column of hashes. */
  text(at: number): string {
    const texts = (this.indices === undefined ? this.#texts : this.#dictionaryTexts)?.();
    return texts?.[this.indices?.[at] ?? at] ?? '';
  }

  #read(start: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    const bytesRead = readSync(this.#file, bytes, 0, length, start);
    return bytesRead < length ? bytes.slice(0, bytesRead) : bytes;
  }

  #header(): { readonly header: PageHeader; readonly start: number } {
    for (let length = HEADER; ; length *= 8) {
      const bytes = this.#read(this.#offset, Math.min(length, this.#end - this.#offset));
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      try {
        return { header: parquetHeader(reader), start: this.#offset + reader.offset };
      } catch (error) {
        if (length >= LONGEST_HEADER || bytes.length < length) throw error;
      }
    }
  }

  #takeDictionary(bytes: Uint8Array<ArrayBuffer>, header: PageHeader): void {
    const count = header.dictionary_page_header?.num_values ?? 0;
    const page = this.#asHashes || this.#numbers !== undefined ? decompressPage(bytes, header.uncompressed_page_size, this.#decoder.codec, COMPRESSORS) : undefined;
    if (this.#asHashes && page !== undefined) {
      this.#knows(plainHashes(page, count), 0);
      this.#dictionaryTexts = once(() => plainTexts(page, count));
      return;
    }
    const numbers = page === undefined ? undefined : this.#numbers?.(page, count);
    const { data } = numbers === undefined ? readPage({ view: new DataView(bytes.buffer), offset: 0 }, header, this.#decoder, undefined, undefined, 0) : {};
    this.#knows(data === undefined ? numbers : this.#asRecords(convert(data, this.#decoder)), null);
  }

  /** Whole numbers, decimals and bytes as a record has them. */
  #asRecords(values: DecodedArray): ArrayLike<unknown> {
    const { element, pathInSchema } = this.#decoder;
    const isOwn = isOwnColumn(pathInSchema);
    const scale = this.#scale;
    if (scale !== undefined) return Array.from(values as ArrayLike<unknown>, (value) => { const number = decimalOf(value, scale); return typeof number === 'bigint' ? wholeNumber(number, isOwn) : number; });
    if (element.type === 'FIXED_LEN_BYTE_ARRAY') return Array.from(values as ArrayLike<unknown>, plainBytes);
    return values instanceof BigInt64Array || values instanceof BigUint64Array ? Array.from(values as ArrayLike<bigint>, (value) => wholeNumber(value, isOwn)) : values;
  }

  #knows(dictionary: ArrayLike<unknown> | undefined, none: unknown): void {
    this.#dictionary = dictionary;
    this.#withNone = once(() => [...Array.from(dictionary ?? []), none]);
  }

  #take(bytes: Uint8Array, header: PageHeader): void {
    const { codec, compressors } = this.#decoder;
    const { data_page_header: first } = header;
    const page = first === undefined ? undefined : decompressPage(bytes, header.uncompressed_page_size, codec, compressors);
    if (page === undefined || first === undefined || !this.#takeUsual(page, first)) this.#takeOther(page, bytes, header);
  }

  /** A page in the encodings that most columns have; false: it is another. */
  #takeUsual(page: Uint8Array, { num_values: count, encoding }: DataPageHeader): boolean {
    if (this.#deepest === 1 && afterLevels(page, count, 0) > 0) {
      this.#holds([this.#asHashes ? 0 : null], count, new Uint32Array(count), new Uint8Array(count));
      return true;
    }
    const start = this.#deepest === 0 || count === 0 ? 0 : afterLevels(page, count, this.#deepest);
    if (encoding.endsWith('_DICTIONARY') && this.#dictionary !== undefined) {
      if (start < 0) this.#takeIndicesOfSome(page, count);
      else this.#holds(this.#dictionary, count, indicesIn(page.subarray(start), count));
      return true;
    }
    if (start < 0 || encoding !== 'PLAIN') return false;
    const body = page.subarray(start);
    const values = this.#asHashes ? plainHashes(body, count) : this.#numbers?.(body, count);
    if (values === undefined) return false;
    this.#holds(values, count);
    if (this.#asHashes) this.#texts = once(() => plainTexts(body, count));
    return true;
  }

  /** Places in the dictionary, of values of which some are missing. */
  #takeIndicesOfSome(page: Uint8Array, count: number): void {
    const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
    const reader = { view, offset: 0 };
    const levels = new Uint8Array(count);
    readRleBitPackedHybrid(reader, 32 - Math.clz32(this.#deepest), levels);
    let present = 0;
    for (const level of levels) if (level === this.#deepest) present += 1;
    const own = indicesIn(page.subarray(reader.offset), present);
    const indices = new Uint32Array(count).fill(this.#dictionary?.length ?? 0);
    for (let row = 0, next = 0; row < count; row += 1) {
      if (levels[row] !== this.#deepest) continue;
      indices[row] = own[next] ?? 0;
      next += 1;
    }
    this.#holds(this.#withNone(), count, indices, levels);
  }

  #holds(values: ArrayLike<unknown>, length: number, indices?: Uint32Array, levels?: ArrayLike<number>): void {
    this.values = values;
    this.at = 0;
    this.length = length;
    this.indices = indices;
    this.levels = levels;
    this.isConstant = indices !== undefined && values.length === 1;
  }

  #takeOther(page: Uint8Array | undefined, bytes: Uint8Array, header: PageHeader): void {
    const { data_page_header: first, data_page_header_v2: second } = header;
    const read = first !== undefined && page !== undefined ? readDataPage(page, first, this.#decoder) : second !== undefined ? readDataPageV2(bytes, header, this.#decoder) : undefined;
    const encoding = first?.encoding ?? second?.encoding;
    if (read === undefined || encoding === undefined) return;
    const levels = read.definitionLevels === undefined || read.definitionLevels.length === 0 ? undefined : read.definitionLevels;
    const placed = (values: ArrayLike<unknown>): ArrayLike<unknown> => (levels === undefined ? values : spread(values, levels, this.#deepest));
    const isIndexed = encoding.endsWith('_DICTIONARY');
    if (this.#asHashes) {
      const own = (of: (bytes: unknown) => unknown): ArrayLike<unknown> => placed(Array.from(read.dataPage as ArrayLike<unknown>, of));
      const texts = isIndexed ? this.#dictionaryTexts : undefined;
      const hashes = own((each) => (isIndexed ? this.#dictionary?.[Number(each)] : hashOfText(each as Uint8Array)));
      this.#holds(hashes, hashes.length, undefined, levels);
      this.#texts = once(() => Array.from(own((each) => (isIndexed ? texts?.()[Number(each)] : textOf(each as Uint8Array))), (each) => (typeof each === 'string' ? each : '')));
    } else {
      const values = placed(isIndexed && this.#dictionary !== undefined ? convertWithDictionary(read.dataPage, this.#dictionary as DecodedArray, encoding, this.#decoder) : this.#asRecords(convert(read.dataPage, this.#decoder)));
      this.#holds(values, values.length, undefined, levels);
    }
  }
}

/** Where the values of a page begin that are all defined to one level, which one run says; -1: they are not, or it is said in another way. */
function afterLevels(page: Uint8Array, count: number, level: number): number {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const reader = { view, offset: 4 };
  const run = readVarInt(reader);
  // The levels of a column that is no list take one byte.
  const isWhole = (run & 1) === 0 && run >>> 1 >= count && view.getUint8(reader.offset) === level;
  return isWhole ? 4 + view.getUint32(0, true) : -1;
}

/** The places in a dictionary of so many values, none of which is missing. */
function indicesIn(body: Uint8Array, count: number): Uint32Array {
  const indices = new Uint32Array(count);
  const width = body[0] ?? 0;
  if (width > 0) readRleBitPackedHybrid({ view: new DataView(body.buffer, body.byteOffset, body.byteLength), offset: 1 }, width, indices, body.length - 1);
  return indices;
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Values where they are defined, null elsewhere. */
function spread(values: ArrayLike<unknown>, levels: readonly number[], deepest: number): unknown[] {
  let next = 0;
  return levels.map((level) => {
    if (level !== deepest) return null;
    next += 1;
    return values[next - 1];
  });
}
