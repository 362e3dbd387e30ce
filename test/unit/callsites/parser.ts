import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createParser, type SyntaxParser } from '../../../src/adapters/treeSitter/parser.ts';
import { detectOnce } from '../../../src/core/callsites/detector.ts';
import type { CallSite } from '../../../src/core/callsites/model.ts';
import { pythonDetector } from '../../../src/core/callsites/python/detector.ts';

const { resolve } = createRequire(import.meta.url);

/** The wasm files as the packages ship them. */
export const wasmFiles = {
  runtimeWasm: resolve('web-tree-sitter/web-tree-sitter.wasm'),
  grammarWasm: resolve('tree-sitter-python/tree-sitter-python.wasm'),
};

/** The same for an index. */
export const parserFiles = {
  runtimeWasm: wasmFiles.runtimeWasm,
  pythonWasm: wasmFiles.grammarWasm,
  typescriptWasm: resolve('tree-sitter-typescript/tree-sitter-tsx.wasm'),
};

/** What the thread of open documents runs. */
export const documentsScript = fileURLToPath(new URL('../../../src/adapters/treeSitter/documents.worker.ts', import.meta.url));

let parser: Promise<SyntaxParser> | undefined;

export function pythonParser(): Promise<SyntaxParser> {
  return parser ??= createParser(wasmFiles);
}

/** The call sites of a Python text, found from scratch. */
export async function callSitesOf(text: string): Promise<readonly CallSite[]> {
  const tree = (await pythonParser()).parse(text);
  try {
    return detectOnce(pythonDetector, { text, root: tree.root });
  } finally {
    tree.delete();
  }
}

export function fixture(name: string): string {
  return readFileSync(new URL(`../../fixtures/callsites/${name}`, import.meta.url), 'utf8');
}
