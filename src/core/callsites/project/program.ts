import { lastName, type BlockRef, type ModuleRef } from './blocks.ts';
import type { FolderFiles, LanguageRules, ModuleResolver, ModuleTarget } from './language.ts';
import { WHOLE_EXPORT, type Expression } from './summary.ts';

/** Names under which a module's bindings go on: `from a import b as c` and `c = b` lead from `b` to `c`. */
function aliasesOf(module: ModuleRef): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  const add = (from: string | undefined, to: string): void => {
    if (from !== undefined && from !== to) found.push([from, to]);
  };
  const aliased = (value: Expression | undefined, to: string): void => {
    if (value?.kind === 'name' || value?.kind === 'attribute') add(value.name, to);
    if (value?.kind === 'call') for (const argument of (value.args ?? []).slice(0, 1)) if (argument.value.kind === 'name' || argument.value.kind === 'attribute') add(argument.value.name, to);
    if (value?.kind === 'lambda') add('', to);
    if (value?.kind === 'record') for (const entry of value.entries) if (entry.key.kind === 'text') aliased(entry.value, entry.key.value);
    if (value?.kind === 'choice') for (const option of value.options) aliased(option, to);
  };
  for (const { block } of module.blocks) {
    for (const binding of block.bindings) {
      if (binding.kind === 'import') add(binding.imported ?? WHOLE_EXPORT, binding.name);
      if (binding.kind === 'assign' || binding.kind === 'bound') aliased(binding.value, binding.name);
    }
    for (const member of block.members) aliased(member.value, member.name);
  }
  for (const { name, local } of module.summary.exports ?? []) add(local, name);
  return found;
}

/** A multiset of pairs, so that files can be taken out again. */
class Pairs<Value> {
  readonly #values = new Map<string, Map<Value, number>>();

  add(key: string, value: Value, count: number): void {
    let values = this.#values.get(key);
    if (!values) this.#values.set(key, values = new Map<Value, number>());
    const left = (values.get(value) ?? 0) + count;
    if (left > 0) values.set(value, left);
    else values.delete(value);
    if (values.size === 0) this.#values.delete(key);
  }

  of(key: string): Iterable<Value> {
    return this.#values.get(key)?.keys() ?? [];
  }
}

/** The files that are linked, with what leads from one to others by name. */
export class Program {
  readonly #modules = new Map<string, ModuleRef>();
  readonly #callers = new Pairs<ModuleRef>();
  readonly #aliases = new Pairs<string>();
  readonly #heirs = new Pairs<BlockRef>();
  readonly #resolvers = new Map<LanguageRules, ModuleResolver>();
  #providers = 0;
  #files: FolderFiles;

  constructor(files: FolderFiles) {
    this.#files = files;
  }

  setFiles(files: FolderFiles): void {
    this.#files = files;
    this.#resolvers.clear();
  }

  set(module: ModuleRef): void {
    this.delete(module.path);
    this.#modules.set(module.path, module);
    this.#count(module, 1);
  }

  delete(path: string): void {
    const old = this.#modules.get(path);
    if (!old) return;
    this.#modules.delete(path);
    this.#count(old, -1);
  }

  get(path: string): ModuleRef | undefined {
    return this.#modules.get(path);
  }

  get modules(): Iterable<ModuleRef> {
    return this.#modules.values();
  }

  get usesUnleashProvider(): boolean {
    return this.#providers > 0;
  }

  callers(name: string): Iterable<ModuleRef> {
    return this.#callers.of(name);
  }

  /** A name and all names under which it may go on, anywhere. */
  aliases(name: string): ReadonlySet<string> {
    const found = new Set([name]);
    for (const each of found) for (const alias of this.#aliases.of(each)) found.add(alias);
    return found;
  }

  /** Classes whose list of bases names a class so; whether that is the one meant is for the caller to find out. */
  heirs(name: string): Iterable<BlockRef> {
    return this.#heirs.of(name);
  }

  resolver(module: ModuleRef): ModuleResolver {
    const known = this.#resolvers.get(module.rules);
    if (known) return known;
    const resolver = module.rules.modules(this.#files);
    this.#resolvers.set(module.rules, resolver);
    return resolver;
  }

  target(from: ModuleRef, module: string): ModuleTarget {
    return this.resolver(from).resolve(from.path, module);
  }

  #count(module: ModuleRef, count: 1 | -1): void {
    for (const name of module.calls.keys()) this.#callers.add(name, module, count);
    for (const [from, to] of aliasesOf(module)) this.#aliases.add(from, to, count);
    for (const ref of module.blocks) {
      for (const base of ref.block.bases ?? []) this.#heirs.add(lastName(base) ?? '', ref, count);
      for (const binding of ref.block.bindings) {
        if (binding.kind === 'import' && module.rules.isUnleashProvider(binding.module, binding.imported)) this.#providers += count;
      }
    }
  }
}
