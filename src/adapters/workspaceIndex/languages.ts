import { pythonSummarizer } from '../../core/callsites/python/detector.ts';
import { createPythonParser, type WasmFile } from '../treeSitter/parser.ts';
import type { IndexLanguage } from './fileReader.ts';

/** Where the parser's files lie; paths, so that they can be told to a thread. */
export interface ParserFiles {
  readonly runtimeWasm: WasmFile;
  readonly pythonWasm: WasmFile;
}

/** The languages of the index. */
export function indexLanguages({ runtimeWasm, pythonWasm }: ParserFiles): readonly IndexLanguage[] {
  return [{ summarizer: pythonSummarizer, loadParser: () => createPythonParser({ runtimeWasm, grammarWasm: pythonWasm }) }];
}
