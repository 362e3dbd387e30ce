import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CallSite } from '../../../src/core/callsites/model.ts';
import { Linker, NO_SETTINGS } from '../../../src/core/callsites/project/linker.ts';
import { ModuleRef } from '../../../src/core/callsites/project/blocks.ts';
import { Program } from '../../../src/core/callsites/project/program.ts';
import { typescriptSummarizer } from '../../../src/core/callsites/typescript/detector.ts';
import { createParser, type SyntaxParser } from '../../../src/adapters/treeSitter/parser.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/callsites/typescript', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url));

/** `// -> none`, `// -> via "key", "key"`, `// -> dynamic cause`: what a line holds. */
const LABEL = /(?:\/\/|\{\/\*|\*\/ \/\/).*?-> (.*?)(?: \*\/\})?$/;

describe('call sites of TypeScript and JavaScript', () => {
  let parser: SyntaxParser;

  before(async () => {
    parser = await createParser({ runtimeWasm: join(modules, 'web-tree-sitter/web-tree-sitter.wasm'), grammarWasm: join(modules, 'tree-sitter-typescript/tree-sitter-tsx.wasm') });
  });

  function link(files: ReadonlyMap<string, string>): Linker {
    const program = new Program({ paths: new Set(files.keys()), roots: new Set(['']) });
    for (const [path, text] of files) {
      const tree = parser.parse(text);
      program.set(new ModuleRef(path, typescriptSummarizer.open().summary({ text, root: tree.root }), typescriptSummarizer.rules));
      tree.delete();
    }
    return new Linker(program, NO_SETTINGS);
  }

  function described({ key, keys, via }: CallSite): string {
    return key.kind === 'dynamic' ? `dynamic ${key.cause}` : `${via} ${keys.map(({ value }) => JSON.stringify(value)).join(', ')}`;
  }

  const paths = readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' }).filter((path) => /\.[jt]sx?$/.test(path)).map((path) => path.replaceAll('\\', '/'));
  const project = new Map(paths.map((path) => [path, readFileSync(join(FIXTURES, path), 'utf8')]));
  const labels = (text: string): Map<number, string> => new Map(text.split('\n').flatMap((line, index) => {
    const label = LABEL.exec(line)?.[1];
    return label === undefined ? [] : [[index + 1, label] as const];
  }));

  for (const [path, text] of project) {
    it(`finds exactly what ${path} says`, () => {
      const sites = link(project).sitesIn(path);
      const found = new Map(sites.map((site) => [site.range.start.line + 1, described(site)]));
      assert.equal(found.size, sites.length, 'one call site a line');
      const wanted = new Map([...labels(text)].filter(([, label]) => label !== 'none'));
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(wanted));
    });
  }
});
