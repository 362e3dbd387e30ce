import { pythonDetector } from '../../core/callsites/python/detector.ts';
import { typescriptDetector } from '../../core/callsites/typescript/detector.ts';
import { createParser, type WasmFile } from '../treeSitter/parser.ts';
import type { LanguageSupport } from '../treeSitter/tracker.ts';

/** Where the parser's files lie; paths, so that they can be told to a thread. */
export interface ParserFiles {
  readonly runtimeWasm: WasmFile;
  readonly pythonWasm: WasmFile;
  /** TSX: it reads TypeScript and JavaScript too. */
  readonly typescriptWasm: WasmFile;
}

/** The languages in which call sites are found; a new one is a detector and a line here. */
export function callSiteLanguages({ runtimeWasm, pythonWasm, typescriptWasm }: ParserFiles): readonly LanguageSupport[] {
  return [
    { detector: pythonDetector, loadParser: () => createParser({ runtimeWasm, grammarWasm: pythonWasm }) },
    { detector: typescriptDetector, loadParser: () => createParser({ runtimeWasm, grammarWasm: typescriptWasm }) },
  ];
}
