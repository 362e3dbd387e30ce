import type { FolderFiles, ImportMap, ImportPath, ModuleResolver, ModuleTarget, PackageFolder } from '../project/language.ts';
import { folderOf, normalised } from './paths.ts';

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
 * Files that imports of JavaScript and TypeScript mean: relative ones as the compilers resolve them; others as `paths` and `baseUrl` of the
 * nearest `tsconfig.json` say, or as packages of the folder are called. Where none says anything, `@/...`, `~/...` and bare paths count
 * where exactly one file of the project fits; what may mean two is ambiguous, never guessed.
 */
export function moduleResolver({ paths, roots, imports }: FolderFiles): ModuleResolver {
  const file = (path: string): string | undefined => candidates(path).find((candidate) => paths.has(candidate));
  const maps = new Map(imports?.maps.map((map) => [map.folder, map]));
  const known = new Map<string, ModuleTarget>();

  function find(from: string, module: string): ModuleTarget {
    if (/^\.\.?(?:\/|$)/.test(module)) {
      const path = normalised(`${folderOf(from)}/${module}`);
      return target(path === undefined ? undefined : file(path));
    }
    const map = mapOf(maps, folderOf(from));
    const mapped = map && bestOf(map.paths, module);
    const mappedTo = mapped?.flatMap((path) => file(path) ?? [])[0];
    if (mappedTo !== undefined) return target(mappedTo);
    const based = map?.base === undefined ? undefined : file(joined(map.base, module));
    if (based !== undefined) return target(based);
    // Mapped to what is not there, such as generated code: nothing of the usual is meant.
    return inPackages(imports?.packages ?? [], module, file) ?? (mapped ? target(undefined) : usual(from, module));
  }

  function usual(from: string, module: string): ModuleTarget {
    const within = module.replace(ALIAS, '');
    const bases = rootsAbove(from, roots).map((root) => SOURCE_FOLDERS.flatMap((folder) => file([root, folder, within].filter((part) => part !== '').join('/')) ?? []));
    const nearest = [...new Set(bases.find((found) => found.length > 0))];
    return nearest.length > 1 ? { kind: 'ambiguous', paths: nearest } : target(nearest[0]);
  }

  function resolve(from: string, module: string): ModuleTarget {
    const id = `${folderOf(from)}\0${module}`;
    const found = known.get(id) ?? find(from, module);
    known.set(id, found);
    return found;
  }

  return { resolve, inside: () => undefined, isPackage: () => false, nameOf: (path) => path.replace(/\.[cm]?[jt]sx?$/, '').replace(/\/index$/, '') };
}

function target(path: string | undefined): ModuleTarget {
  return path === undefined ? { kind: 'outside' } : { kind: 'file', path };
}

function joined(folder: string, rest: string): string {
  return folder === '' ? rest : `${folder}/${rest}`;
}

/** The map of the nearest folder that has one. */
function mapOf(maps: ReadonlyMap<string, ImportMap>, folder: string): ImportMap | undefined {
  for (let each = folder; ; each = folderOf(each)) {
    const map = maps.get(each);
    if (map || each === '') return map;
  }
}

/** What an import is mapped to: an exact pattern first, then the one with the longest text before its `*`. */
function bestOf(paths: readonly ImportPath[], module: string): readonly string[] | undefined {
  const exact = paths.find(({ pattern }) => pattern === module);
  if (exact) return exact.targets;
  const fitting = paths.flatMap(({ pattern, targets }) => {
    const star = pattern.indexOf('*');
    const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
    const fits = star >= 0 && module.length >= pattern.length - 1 && module.startsWith(before) && module.endsWith(after);
    return fits ? [{ before, targets, rest: module.slice(star, module.length - after.length) }] : [];
  });
  const [best] = fitting.toSorted((a, b) => b.before.length - a.before.length);
  return best?.targets.map((each) => each.replace('*', () => best.rest));
}

/** What packages are built into is no code that anybody wrote. */
const BUILT = /(^|\/)(?:dist|lib|build|out)\//;

/** An import of a package of the folder by its name. */
function inPackages(packages: readonly PackageFolder[], module: string, file: (path: string) => string | undefined): ModuleTarget | undefined {
  const called = packages.filter(({ name }) => module === name || module.startsWith(`${name}/`));
  const [found, ...others] = called;
  if (!found || others.length > 0) return undefined;
  const { name, folder, entries } = found;
  const rest = module.slice(name.length + 1);
  const written = bestOf(entries, rest === '' ? '.' : `./${rest}`) ?? [];
  const sources = written.flatMap((path) => [path, path.replace(BUILT, '$1src/'), path.replace(BUILT, '$1')]).map((path) => path.replace(/\.d\.([cm]?ts)$/, '.$1'));
  const guesses = rest === '' ? [joined(folder, 'src/index'), joined(folder, 'index')] : [joined(folder, `src/${rest}`), joined(folder, rest)];
  return target([...sources, ...guesses].flatMap((path) => file(path) ?? [])[0]);
}

function candidates(path: string): readonly string[] {
  const ending = /\.[cm]?jsx?$/.exec(path)?.[0] ?? '';
  const stem = path.slice(0, path.length - ending.length);
  const named = SOURCES[ending]?.map((source) => stem + source) ?? (/\.[cm]?tsx?$/.test(path) ? [path] : []);
  return [...named, ...ENDINGS.map((each) => path + each), ...ENDINGS.map((each) => `${path}/index${each}`)].map((each) => each.replace(/^\//, ''));
}

/** Folders with a project file that hold a file, nearest first; the folder itself is one in any case. */
function rootsAbove(path: string, roots: ReadonlySet<string>): readonly string[] {
  const above: string[] = [];
  for (let folder = folderOf(path); folder !== ''; folder = folderOf(folder)) if (roots.has(folder)) above.push(folder);
  return [...above, ''];
}
