import type { FolderFiles, ModuleResolver, ModuleTarget } from '../project/language.ts';

/** What an import without an ending may mean, in the order in which TypeScript and bundlers look. */
const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs'];
/** An import that names the file which the compiler writes means the one that it is written from. */
const SOURCES: Readonly<Record<string, readonly string[]>> = {
  '.js': ['.ts', '.tsx', '.js', '.jsx'], '.jsx': ['.tsx', '.jsx'], '.mjs': ['.mts', '.mjs'], '.cjs': ['.cts', '.cjs'],
};
/** Prefixes that projects let stand for their source folder. */
const ALIAS = /^(?:@|~|#)\//;
const SOURCE_FOLDERS = ['src', 'app', ''];

/**
 * Files that imports of JavaScript and TypeScript mean: relative ones as the compilers resolve them; `@/...`, `~/...` and bare
 * paths (`baseUrl`) where exactly one file of the project fits. The compiler's own configuration is not read, so what an alias
 * maps to two places is ambiguous, never guessed.
 */
export function moduleResolver({ paths, roots }: FolderFiles): ModuleResolver {
  const file = (path: string): string | undefined => candidates(path).find((candidate) => paths.has(candidate));

  function resolve(from: string, module: string): ModuleTarget {
    if (/^\.\.?(?:\/|$)/.test(module)) {
      const path = normalised(`${folderOf(from)}/${module}`);
      const found = path === undefined ? undefined : file(path);
      return found === undefined ? { kind: 'outside' } : { kind: 'file', path: found };
    }
    const within = module.replace(ALIAS, '');
    const bases = rootsAbove(from, roots).map((root) => SOURCE_FOLDERS.flatMap((folder) => file([root, folder, within].filter((part) => part !== '').join('/')) ?? []));
    const nearest = [...new Set(bases.find((found) => found.length > 0))];
    const [path, ...others] = nearest;
    if (path === undefined) return { kind: 'outside' };
    return others.length === 0 ? { kind: 'file', path } : { kind: 'ambiguous', paths: nearest };
  }

  return { resolve, inside: () => undefined, isPackage: () => false, nameOf: (path) => path.replace(/\.[cm]?[jt]sx?$/, '').replace(/\/index$/, '') };
}

function candidates(path: string): readonly string[] {
  const ending = /\.[cm]?jsx?$/.exec(path)?.[0] ?? '';
  const stem = path.slice(0, path.length - ending.length);
  const named = SOURCES[ending]?.map((source) => stem + source) ?? (/\.[cm]?tsx?$/.test(path) ? [path] : []);
  return [...named, ...ENDINGS.map((each) => path + each), ...ENDINGS.map((each) => `${path}/index${each}`)].map((each) => each.replace(/^\//, ''));
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** A path without `.` and `..`; undefined when it leaves the folder. */
function normalised(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined;
    if (part !== '' && part !== '.' && part !== '..') parts.push(part);
  }
  return parts.join('/');
}

/** Folders with a project file that hold a file, nearest first; the folder itself is one in any case. */
function rootsAbove(path: string, roots: ReadonlySet<string>): readonly string[] {
  const above: string[] = [];
  for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) if (roots.has(folder)) above.push(folder);
  return [...above, ''];
}
