import type { FolderFiles, ModuleResolver, ModuleTarget } from '../project/language.ts';

const OUTSIDE: ModuleTarget = { kind: 'outside' };
/** Folders that hold packages without being one, wherever they are. */
const SOURCE_FOLDERS = new Set(['src', 'lib', 'python']);

/**
 * Modules by Python's rules as far as paths show them: a package is a folder, with or without `__init__.py`; an absolute import
 * starts in a folder that is no package itself. Which of those is on the import path is settled only where one is possible, or
 * one of them encloses the importing file; everything else is ambiguous.
 */
export class PythonModules implements ModuleResolver {
  readonly #files: ReadonlySet<string>;
  readonly #roots: ReadonlySet<string>;
  /** Parents of top-level modules, by the module's name. */
  readonly #parents = new Map<string, Set<string>>();
  readonly #folders = new Set<string>();
  readonly #resolved = new Map<string, ModuleTarget>();

  constructor({ paths, roots }: FolderFiles) {
    this.#files = paths;
    this.#roots = roots;
    for (const path of paths) {
      if (path.endsWith('.py')) this.#add(path);
    }
  }

  resolve(from: string, module: string): ModuleTarget {
    const dots = /^\.*/.exec(module)?.[0].length ?? 0;
    const folder = folderOf(from);
    const id = `${folder}\0${module}`;
    const known = this.#resolved.get(id);
    if (known) return known;
    const target = dots > 0 ? this.#relative(folder, dots, module.slice(dots)) : this.#absolute(folder, module);
    this.#resolved.set(id, target);
    return target;
  }

  inside(target: ModuleTarget, name: string): ModuleTarget | undefined {
    if (target.kind === 'folder') return this.#at(joined(target.path, name));
    if (target.kind !== 'file' || !/(?:^|\/)__init__\.py$/.test(target.path)) return undefined;
    return this.#at(joined(folderOf(target.path), name));
  }

  nameOf(path: string): string {
    const parts = path.replace(/\.(?:py|ipynb)$/, '').replace(/(?:^|\/)__init__$/, '').split('/');
    for (let index = parts.length - 1; index > 0; index -= 1) {
      if (this.#isRoot(parts.slice(0, index).join('/'))) return parts.slice(index).join('.');
    }
    return parts.join('.');
  }

  #add(path: string): void {
    const parts = path.slice(0, -3).split('/');
    if (parts.at(-1) === '__init__') parts.pop();
    for (let index = 0; index < parts.length; index += 1) {
      const parent = parts.slice(0, index).join('/');
      const name = parts[index] ?? '';
      const parents = this.#parents.get(name);
      if (parents) parents.add(parent);
      else this.#parents.set(name, new Set([parent]));
      if (index > 0) this.#folders.add(parent);
    }
    if (path.endsWith('__init__.py')) this.#folders.add(parts.join('/'));
  }

  #relative(folder: string, dots: number, rest: string): ModuleTarget {
    const parts = folder === '' ? [] : folder.split('/');
    if (dots - 1 > parts.length) return OUTSIDE;
    const base = parts.slice(0, parts.length - (dots - 1)).join('/');
    return this.#at(rest === '' ? base : joined(base, rest.replaceAll('.', '/'))) ?? OUTSIDE;
  }

  #absolute(folder: string, module: string): ModuleTarget {
    const path = module.replaceAll('.', '/');
    const first = module.split('.')[0] ?? '';
    const candidates = [...this.#parents.get(first) ?? []].flatMap((parent) => {
      const target = this.#isPackage(parent) ? undefined : this.#at(joined(parent, path));
      return target ? [{ parent, target }] : [];
    });
    const files = candidates.filter(({ target }) => target.kind === 'file');
    const [only, ...more] = this.#nearest(folder, files.length > 0 ? files : candidates);
    if (!only) return OUTSIDE;
    return more.length === 0 ? only.target : { kind: 'ambiguous', paths: [only, ...more].flatMap(({ target }) => 'path' in target ? [target.path] : []) };
  }

  /** Of several places those that enclose the importing file; of several of these the innermost that is known to be a root. */
  #nearest<Candidate extends { readonly parent: string }>(folder: string, candidates: readonly Candidate[]): readonly Candidate[] {
    if (candidates.length < 2) return candidates;
    const around = candidates.filter(({ parent }) => isWithin(folder, parent));
    if (around.length === 0) return candidates;
    const roots = around.filter(({ parent }) => this.#isRoot(parent)).sort((a, b) => b.parent.length - a.parent.length);
    return roots.length > 0 ? roots.slice(0, 1) : around;
  }

  #isRoot(folder: string): boolean {
    return this.#roots.has(folder) || SOURCE_FOLDERS.has(folder.split('/').at(-1) ?? '');
  }

  #isPackage(folder: string): boolean {
    return folder !== '' && this.#files.has(`${folder}/__init__.py`);
  }

  #at(path: string): ModuleTarget | undefined {
    for (const file of [`${path}.py`, joined(path, '__init__.py')]) if (this.#files.has(file)) return { kind: 'file', path: file };
    return this.#folders.has(path) ? { kind: 'folder', path } : undefined;
  }
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === -1 ? '' : path.slice(0, slash);
}

function joined(folder: string, rest: string): string {
  return folder === '' ? rest : `${folder}/${rest}`;
}

function isWithin(folder: string, parent: string): boolean {
  return parent === '' || folder === parent || folder.startsWith(`${parent}/`);
}
