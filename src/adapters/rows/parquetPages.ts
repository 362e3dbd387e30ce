import type { FileHandle } from 'node:fs/promises';
import type { FileMetaData, SchemaTree } from 'hyparquet';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { convert, convertWithDictionary, DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import { decompressPage, readDataPage, readDataPageV2 } from 'hyparquet/src/datapage.js';
import type { ColumnDecoder, DecodedArray, PageHeader, ParquetParsers } from 'hyparquet/src/types.js';
import { COMPRESSORS } from './compressors.ts';

/** A page's header is read with so many bytes, and with more where its statistics are long. */
const HEADER = 4096;
const LONGEST_HEADER = 1024 * 1024;

/** A column whose values are no lists: of the record itself, or of a mapping in it. */
export interface Leaf {
  readonly path: readonly string[];
  readonly schemaPath: SchemaTree[];
}

/** The leaves below the wanted columns; undefined where one of them is in a list, or deeper than one mapping. */
export function leavesOf({ children }: SchemaTree, root: SchemaTree, isWanted: (name: string) => boolean): readonly Leaf[] | undefined {
  const leaves: Leaf[] = [];
  for (const child of children.filter(({ element }) => isWanted(element.name))) {
    const inner = child.children.length === 0 ? [[child]] : child.children.map((each) => [child, each]);
    for (const path of inner) {
      if (path.at(-1)?.children.length !== 0 || path.some(({ element }) => element.repetition_type === 'REPEATED')) return undefined;
      leaves.push({ path: path.map(({ element }) => element.name), schemaPath: [root, ...path] });
    }
  }
  return leaves;
}

/** Reads one column of a row group page by page: only one page of it is held. */
export class ColumnPages {
  readonly #file: FileHandle;
  readonly #decoder: ColumnDecoder;
  readonly #deepest: number;
  #offset: number;
  readonly #end: number;
  #dictionary: DecodedArray | undefined;
  /** The values of the page; null where there is none. */
  values: ArrayLike<unknown> = [];
  /** How deep each value is defined; undefined: all of them wholly. */
  levels: readonly number[] | undefined;
  /** The place of the next value in the page. */
  at = 0;

  constructor(file: FileHandle, { path, schemaPath }: Leaf, group: FileMetaData['row_groups'][number], parsers: Partial<ParquetParsers>) {
    const metadata = group.columns.find(({ meta_data: meta }) => meta?.path_in_schema.join('\n') === path.join('\n'))?.meta_data;
    const element = schemaPath.at(-1)?.element;
    if (metadata === undefined || element === undefined) throw new Error(`the column ${path.join('.')} is missing in a row group`);
    this.#file = file;
    this.#decoder = { ...metadata, pathInSchema: [...path], element, schemaPath, compressors: COMPRESSORS, parsers: { ...DEFAULT_PARSERS, ...parsers } };
    this.#deepest = schemaPath.slice(1).filter((step) => step.element.repetition_type === 'OPTIONAL').length;
    this.#offset = Number(metadata.dictionary_page_offset ?? metadata.data_page_offset);
    this.#end = this.#offset + Number(metadata.total_compressed_size);
  }

  /** Makes sure that there is a next value. @throws Error at the end of the column, or when it is damaged */
  async fill(): Promise<void> {
    while (this.at >= this.values.length) {
      if (this.#offset >= this.#end) throw new Error(`the column ${this.#decoder.pathInSchema.join('.')} ends early`);
      const { header, start } = await this.#header();
      const bytes = await this.#read(start, header.compressed_page_size);
      this.#offset = start + header.compressed_page_size;
      if (header.type === 'DICTIONARY_PAGE') {
        const { data } = readPage({ view: new DataView(bytes.buffer), offset: 0 }, header, this.#decoder, undefined, undefined, 0);
        this.#dictionary = data === undefined ? undefined : convert(data, this.#decoder);
      } else {
        this.#take(bytes, header);
      }
    }
  }

  async #read(start: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, start);
    return bytesRead < length ? bytes.slice(0, bytesRead) : bytes;
  }

  async #header(): Promise<{ readonly header: PageHeader; readonly start: number }> {
    for (let length = HEADER; ; length *= 8) {
      const bytes = await this.#read(this.#offset, Math.min(length, this.#end - this.#offset));
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      try {
        return { header: parquetHeader(reader), start: this.#offset + reader.offset };
      } catch (error) {
        if (length >= LONGEST_HEADER || bytes.length < length) throw error;
      }
    }
  }

  #take(bytes: Uint8Array, header: PageHeader): void {
    const { codec, compressors } = this.#decoder;
    const { data_page_header: first, data_page_header_v2: second } = header;
    const page = first !== undefined ? readDataPage(decompressPage(bytes, header.uncompressed_page_size, codec, compressors), first, this.#decoder)
      : second !== undefined ? readDataPageV2(bytes, header, this.#decoder) : undefined;
    const encoding = first?.encoding ?? second?.encoding;
    if (page === undefined || encoding === undefined) return;
    const values = convertWithDictionary(page.dataPage, this.#dictionary, encoding, this.#decoder) as ArrayLike<unknown>;
    this.at = 0;
    this.levels = page.definitionLevels === undefined || page.definitionLevels.length === 0 ? undefined : page.definitionLevels;
    this.values = this.levels === undefined ? values : spread(values, this.levels, this.#deepest);
  }
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
