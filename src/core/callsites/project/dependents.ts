import type { ModuleTarget } from './language.ts';
import { lastName, type ModuleRef } from './blocks.ts';
import type { Program } from './program.ts';
import type { Resolver } from './resolver.ts';

/**
 * The files whose call sites may change when some files do: all from which imports lead there, however far. A package that is bound
 * as a whole counts as all modules in it, and a class as the classes that it inherits from, which ask for their heirs.
 */
export function dependents(program: Program, resolver: Resolver, changed: Iterable<string>): ReadonlySet<string> {
  const importers = new Map<string, string[]>();
  for (const module of program.modules) {
    for (const edge of edgesOf(program, module)) {
      const known = importers.get(edge);
      if (known) known.push(module.path);
      else importers.set(edge, [module.path]);
    }
  }
  const found = new Set(changed);
  for (const path of [...found]) for (const base of baseFiles(program, resolver, path)) found.add(base);
  for (const path of found) {
    for (const importer of importers.get(path) ?? []) found.add(importer);
    for (const folder of foldersOf(path)) for (const importer of importers.get(`${folder}/`) ?? []) found.add(importer);
  }
  return found;
}

const known = new WeakMap<ModuleRef, { readonly resolver: object; readonly edges: readonly string[] }>();

/** The files that a module imports from, and with a slash at the end the packages that it binds as a whole. */
function edgesOf(program: Program, module: ModuleRef): readonly string[] {
  const resolver = program.resolver(module);
  const before = known.get(module);
  if (before?.resolver === resolver) return before.edges;
  const edges = new Set<string>();
  const add = (target: ModuleTarget | undefined): void => {
    if (target?.kind === 'file') edges.add(target.path);
    if (target?.kind === 'folder') edges.add(`${target.path}/`);
  };
  /** As a value of its own: then its attributes reach what is inside. */
  const addWhole = (target: ModuleTarget | undefined): void => {
    add(target);
    if (target?.kind === 'file' && resolver.isPackage(target)) edges.add(folderOf(target.path));
  };
  for (const { block } of module.blocks) {
    for (const { module: name } of block.stars) add(program.target(module, name));
    for (const binding of block.bindings) {
      if (binding.kind !== 'import') continue;
      const target = program.target(module, binding.first === true ? binding.module.split('.')[0] ?? binding.module : binding.module);
      if (binding.imported === undefined) addWhole(target);
      else {
        add(target);
        addWhole(resolver.inside(target, binding.imported));
      }
    }
  }
  known.set(module, { resolver, edges: [...edges] });
  return [...edges];
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1) || '/';
}

/** The folders around a file, innermost first. */
function foldersOf(path: string): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

function baseFiles(program: Program, resolver: Resolver, path: string): readonly string[] {
  const module = program.get(path);
  if (!module) return [];
  const classes = module.blocks.filter(({ block }) => (block.bases ?? []).some((base) => lastName(base) !== undefined));
  return classes.flatMap((each) => resolver.family(each).map((base) => base.module.path));
}
