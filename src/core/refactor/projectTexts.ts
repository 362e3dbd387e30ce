import type { RefactorFile } from './model.ts';

interface Entry {
  readonly before: string;
  readonly frozen: string | undefined;
  now: string;
}

/** The texts of a project before a change and as far as it has come, with what they say of a word. */
export class ProjectTexts {
  readonly #files: ReadonlyMap<string, Entry>;

  constructor(files: readonly RefactorFile[]) {
    this.#files = new Map(files.map(({ path, text, frozen }) => [path, { before: text, now: text, frozen }]));
  }

  get paths(): readonly string[] {
    return [...this.#files.keys()];
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Why a file cannot be changed. */
  frozen(path: string): string | undefined {
    return this.#files.get(path)?.frozen;
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

  /**
   * Whether another file may mean the variable, function or class of this file's module: it imports the name from a module
   * of that name, reads it as `module.name`, or has it in a dotted text, as those who patch modules write.
   */
  referencedElsewhere(path: string, word: string, when: 'before' | 'now' = 'now'): boolean {
    const stem = moduleName(path);
    return [...this.#files].some(([other, entry]) => other !== path && entry[when].includes(word) && (importsFrom(entry[when], stem, word) || isInText(entry[when], word)));
  }

  /** The same for a name that the file itself only imports: a text that holds nothing but the word means another. */
  importReferencedElsewhere(path: string, word: string): boolean {
    const stem = moduleName(path);
    const dotted = new RegExp(`["'](?:\\w+[.:])*${stem}[.:]${word}(?:[.:]\\w+)*["']`);
    return [...this.#files].some(([other, { now }]) => other !== path && now.includes(word) && (importsFrom(now, stem, word) || dotted.test(now)));
  }

  /** Whether any file but one reads or writes an attribute of this name, or has it in a text by itself. */
  isAttributeElsewhere(path: string, word: string, when: 'before' | 'now' = 'now'): boolean {
    const pattern = new RegExp(`\\.\\s*${word}\\b`);
    return [...this.#files].some(([other, entry]) => other !== path && entry[when].includes(word) && (pattern.test(entry[when]) || isInText(entry[when], word)));
  }

  /** How many functions and methods of this name there are. */
  definitions(word: string): number {
    const pattern = new RegExp(`^[ \\t]*(?:async[ \\t]+)?def[ \\t]+${word}\\b`, 'gm');
    return [...this.#files.values()].reduce((sum, { before }) => sum + (before.includes(word) ? [...before.matchAll(pattern)].length : 0), 0);
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

/** Whether a string literal is a dotted name with the word in it: `"app.config.USE_NEW"`, `"USE_NEW"`. */
export function isInText(text: string, word: string): boolean {
  return new RegExp(`["'](?:[\\w]+[.:])*${word}(?:[.:][\\w]+)*["']`).test(text);
}

function importsFrom(text: string, stem: string, word: string): boolean {
  const modules = [stem];
  for (const [, module = '', names = ''] of text.matchAll(/\bfrom\s+([.\w]+)\s+import\s+(\([^)]*\)|[^\n]*)/g)) {
    const last = module.split('.').at(-1) ?? '';
    if ((last === stem || last === '') && (names.includes('*') || wordPattern(word).test(names))) return true;
  }
  for (const [, alias = ''] of text.matchAll(new RegExp(`\\b${stem}\\s+as\\s+(\\w+)`, 'g'))) modules.push(alias);
  return modules.some((module) => new RegExp(`\\b${module}\\s*\\.\\s*${word}\\b`).test(text));
}
