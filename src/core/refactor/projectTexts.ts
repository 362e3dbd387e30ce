import type { RefactorFile } from './model.ts';

interface Entry {
  readonly before: string;
  now: string;
}

/** The texts of a project before a change and as far as it has come, with what they say of a word. */
export class ProjectTexts {
  readonly #files: ReadonlyMap<string, Entry>;

  constructor(files: readonly RefactorFile[]) {
    this.#files = new Map(files.map(({ path, text }) => [path, { before: text, now: text }]));
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  before(path: string): string {
    return this.#files.get(path)?.before ?? '';
  }

  now(path: string): string {
    return this.#files.get(path)?.now ?? '';
  }

  set(path: string, text: string): void {
    const entry = this.#files.get(path);
    if (entry) entry.now = text;
  }

  changed(): readonly string[] {
    return [...this.#files].filter(([, { before, now }]) => before !== now).map(([path]) => path);
  }

  /** Whether a word stands in another file, be it in code, a text or a comment. */
  mentionedElsewhere(path: string, word: string): boolean {
    const pattern = wordPattern(word);
    return this.#others(path).some(({ now }) => now.includes(word) && pattern.test(now));
  }

  /** Whether another file imports the name from the module of this file, or reads it as `module.name`. */
  importedElsewhere(path: string, word: string, when: 'before' | 'now' = 'now'): boolean {
    const stem = moduleName(path);
    return this.#others(path).some((entry) => entry[when].includes(word) && importsFrom(entry[when], stem, word));
  }

  /** Whether any file reads an attribute of this name. */
  readAsAttribute(word: string): boolean {
    const pattern = new RegExp(`\\.\\s*${word}\\b`);
    return [...this.#files.values()].some(({ before }) => before.includes(word) && pattern.test(before));
  }

  /** How many functions and methods of this name there are. */
  definitions(word: string): number {
    const pattern = new RegExp(`^[ \\t]*(?:async[ \\t]+)?def[ \\t]+${word}\\b`, 'gm');
    return [...this.#files.values()].reduce((sum, { before }) => sum + (before.includes(word) ? [...before.matchAll(pattern)].length : 0), 0);
  }

  #others(path: string): readonly Entry[] {
    return [...this.#files].filter(([other]) => other !== path).map(([, entry]) => entry);
  }
}

export function wordPattern(word: string): RegExp {
  return new RegExp(`(?<![\\p{ID_Continue}])${word}(?![\\p{ID_Continue}])`, 'u');
}

/** The last part of a file's module: `flags` for `app/flags.py`, `app` for `app/__init__.py`. */
function moduleName(path: string): string {
  const parts = path.replaceAll('\\', '/').replace(/\.pyi?$/, '').split('/');
  const last = parts.pop() ?? '';
  return last === '__init__' ? parts.pop() ?? '' : last;
}

function importsFrom(text: string, stem: string, word: string): boolean {
  for (const [, module = '', names = ''] of text.matchAll(/\bfrom\s+([.\w]+)\s+import\s+(\([^)]*\)|[^\n]*)/g)) {
    const last = module.split('.').at(-1) ?? '';
    if ((last === stem || last === '') && (names.includes('*') || wordPattern(word).test(names))) return true;
  }
  return new RegExp(`\\b${stem}\\s*\\.\\s*${word}\\b`).test(text);
}
