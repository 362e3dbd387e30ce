import type { CallSite, FlagApi, Location } from '../model.ts';
import { argumentFor, skipped } from './arguments.ts';
import type { BlockRef, CallRef } from './blocks.ts';
import { callSite, definitionOf, type Outcome, type Step } from './callSite.ts';
import { dependents } from './dependents.ts';
import type { LanguageRules } from './language.ts';
import { FileMemo } from './memo.ts';
import { Origins } from './origins.ts';
import type { Program } from './program.ts';
import { outcomeOf, type AskedQuestion } from './questions.ts';
import { Resolver } from './resolver.ts';
import { Texts, type Value } from './texts.ts';
import { placed, placeIn, type Frame, type PlacedArgument, type Thing } from './things.ts';

/** What configuration says about functions and objects that no analysis can see. */
export interface CallSiteSettings {
  /** Functions that ask for a flag, by dotted name (`app.flags.enabled`, `app.flags.Flags.enabled`); the key's parameter by place or name. */
  readonly wrappers: readonly { readonly function: string; readonly key: number | string }[];
  /** Dotted names of objects that are clients. */
  readonly clients: readonly string[];
}

export const NO_SETTINGS: CallSiteSettings = { wrappers: [], clients: [] };

/** Calls go through at most this many functions. */
const MAX_LEVELS = 12;
/** A call whose answer still changes after this many looks is in a circle of wrappers. */
const MAX_LOOKS = 10;
/** Functions that are followed for one call, over all its branches. */
const MAX_FOLLOWED = 64;

/** A function that asks for flags in the name of its callers. */
interface WrapperFacts {
  /** Calls in it whose key its callers choose, with the parameters that matter. */
  readonly asks: Map<CallRef, Set<string>>;
  /** Calls in it that give what it returns, with their keys. */
  readonly fixed: Map<CallRef, { readonly api: FlagApi; readonly keys: readonly Extract<Value, { kind: 'text' }>[] }>;
}

type Target =
  | ({ readonly kind: 'question' } & AskedQuestion)
  | { readonly kind: 'function'; readonly thing: Extract<Thing, { kind: 'function' }>; readonly args: readonly PlacedArgument[]; readonly skip: number };

const NOTHING_WRITTEN = { context: false, fallback: false };

/** Finds the call sites of a program: one pass over all calls of names that may ask for a flag, until no wrapper is new. */
export class Linker {
  readonly #program: Program;
  readonly #settings: CallSiteSettings;
  readonly #resolver: Resolver;
  readonly #texts: Texts;
  readonly #origins: Origins;
  readonly #wrappers = new FileMemo<BlockRef, WrapperFacts>();
  readonly #sites = new FileMemo<CallRef, CallSite>();
  readonly #pending = new Set<string>();
  readonly #looks = new Map<CallRef, number>();
  /** Names of questions and wrappers. */
  readonly #announced = new Set<string>();
  /** The same with their aliases. */
  readonly #names = new Set<string>();
  readonly #usesProvider: boolean;
  readonly #rules: ReadonlySet<LanguageRules>;
  readonly #following: BlockRef[] = [];
  #followed = 0;

  constructor(program: Program, settings: CallSiteSettings) {
    this.#program = program;
    this.#settings = settings;
    this.#resolver = new Resolver(program);
    this.#texts = new Texts(this.#resolver);
    this.#origins = new Origins(this.#resolver, new Set(settings.clients));
    this.#usesProvider = program.usesUnleashProvider;
    this.#rules = new Set([...this.#program.modules].map((module) => module.rules));
    for (const { questions, questionFunctions } of this.#rules) for (const name of [...questions.keys(), ...questionFunctions]) this.#announceName(name);
    for (const { function: name } of settings.wrappers) this.#announceName(name.split('.').at(-1) ?? name);
    this.#link();
  }

  /**
   * Links again after files of the program changed, as far as their importers; false when that is not enough, because what changed
   * matters to all files.
   */
  update(changed: ReadonlySet<string>): boolean {
    if (this.#program.usesUnleashProvider !== this.#usesProvider) return false;
    // The first file of a language brings the questions of its SDK.
    for (const path of changed) {
      const rules = this.#program.get(path)?.rules;
      if (rules !== undefined && !this.#rules.has(rules)) return false;
    }
    const affected = dependents(this.#program, this.#resolver, changed);
    for (const path of affected) {
      this.#resolver.forget(path);
      this.#texts.forget(path);
      this.#origins.forget(path);
      this.#wrappers.forget(path);
      this.#sites.forget(path);
    }
    this.#looks.clear();
    const known = new Set(this.#names);
    for (const name of this.#announced) this.#announceName(name);
    this.#pending.clear();
    for (const path of affected) {
      const module = this.#program.get(path);
      for (const [name, refs] of module?.calls ?? []) if (known.has(name)) for (const ref of refs) this.#visit(ref);
    }
    for (const name of this.#names) if (!known.has(name)) this.#pending.add(name);
    this.#link();
    return true;
  }

  /** Files of the folder that were looked for and are not in the program. */
  get wanted(): ReadonlySet<string> {
    return this.#resolver.wanted;
  }

  /** Names whose calls may be call sites: of the SDKs' questions and of wrappers, with their aliases. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  sitesIn(path: string): readonly CallSite[] {
    return [...this.#sites.of(path)].sort(([a], [b]) => a.offset + a.call.at - b.offset - b.call.at).map(([, site]) => site);
  }

  /** The functions of the folder that ask for flags in the name of their callers. */
  wrappers(): readonly (Location & { readonly name: string })[] {
    return [...this.#wrappers.entries()].flatMap(([block]) => this.#isAsking(block) ? definitionOf(block) ?? [] : []);
  }

  #link(): void {
    for (const name of this.#pending) {
      this.#pending.delete(name);
      for (const module of this.#program.callers(name)) for (const ref of module.calls.get(name) ?? []) this.#visit(ref);
    }
  }

  /** All calls of a name are looked at (again). */
  #announceName(name: string): void {
    this.#announced.add(name);
    for (const alias of this.#program.aliases(name)) {
      this.#pending.add(alias);
      this.#names.add(alias);
    }
  }

  #visit(ref: CallRef): void {
    const looks = (this.#looks.get(ref) ?? 0) + 1;
    if (looks > MAX_LOOKS) return;
    this.#looks.set(ref, looks);
    this.#resolver.begin();
    this.#followed = 0;
    const outcomes = this.#outcomes(ref, []);
    const { path } = ref.block.module;
    const [first] = outcomes;
    if (!first) { this.#sites.delete(path, ref); return; }
    this.#sites.set(path, ref, callSite(ref, [first, ...outcomes.slice(1)]));
    this.#learn(ref, first.api, outcomes);
  }

  /** A call whose key the function around it does not choose makes that function a wrapper; so does one that it returns. */
  #learn(ref: CallRef, api: FlagApi, outcomes: readonly Outcome[]): void {
    const values = outcomes.flatMap((outcome) => outcome.values);
    const unknown = values.flatMap((value) => value.kind === 'dynamic' ? value.needs : []);
    const around = ref.block.functions;
    for (const { function: owner, parameter } of unknown) {
      if (around.includes(owner)) this.#ask(owner, ref, parameter);
    }
    const texts = values.flatMap((value) => value.kind === 'text' ? [value] : []);
    const [nearest] = around;
    if (!ref.call.answers || !nearest || texts.length < values.length || nearest.block.function?.property === true) return;
    const facts = this.#factsOf(nearest);
    const before = facts.fixed.get(ref)?.keys.map(({ value }) => value).join('\0');
    facts.fixed.set(ref, { api, keys: texts });
    if (before !== texts.map(({ value }) => value).join('\0')) this.#announce(nearest);
  }

  #ask(owner: BlockRef, ref: CallRef, parameter: string | undefined): void {
    const facts = this.#factsOf(owner);
    const known = facts.asks.get(ref);
    if (known && (parameter === undefined || known.has(parameter))) return;
    facts.asks.set(ref, new Set([...known ?? [], ...parameter === undefined ? [] : [parameter]]));
    this.#announce(owner);
  }

  #factsOf(block: BlockRef): WrapperFacts {
    const known = this.#wrappers.get(block.module.path, block);
    if (known) return known;
    const facts: WrapperFacts = { asks: new Map(), fixed: new Map() };
    this.#wrappers.set(block.module.path, block, facts);
    return facts;
  }

  #announce(block: BlockRef): void {
    const owner = block.parent;
    if (owner?.kind === 'class' && block.module.rules.constructors.includes(block.block.name)) this.#announceName(owner.block.name);
    this.#announceName(block.block.name);
  }

  #isAsking(block: BlockRef): boolean {
    const facts = this.#wrappers.get(block.module.path, block);
    return facts !== undefined && (facts.asks.size > 0 || this.#fixedKey(facts) !== undefined);
  }

  /** The one key that a function always asks for, with (one of) the calls in it that do. */
  #fixedKey({ fixed }: WrapperFacts): { readonly api: FlagApi; readonly key: Extract<Value, { kind: 'text' }>; readonly inner: CallRef } | undefined {
    const [first] = fixed;
    if (!first) return undefined;
    const [inner, { api, keys: [key] }] = first;
    return key && [...fixed.values()].every(({ keys }) => keys.every(({ value }) => value === key.value)) ? { api, key, inner } : undefined;
  }

  #outcomes(ref: CallRef, frames: readonly Frame[]): readonly Outcome[] {
    const { targets, isCertain } = this.#targets(ref, frames);
    return targets.flatMap((target) => {
      if (target.kind === 'question') return [outcomeOf(target, this.#texts, this.#resolver)];
      const outcomes = this.#follow(target);
      // Nobody knows which of several functions it will be: what one of them answers says nothing of the call.
      return isCertain && targets.length === 1 ? outcomes : outcomes.map((outcome) => ({ ...outcome, steps: undefined }));
    });
  }

  /** A call of a function of the project: what the calls in it ask for with these arguments. */
  #follow({ thing, args, skip }: Extract<Target, { kind: 'function' }>): readonly Outcome[] {
    const block = thing.function;
    const facts = this.#wrappers.get(block.module.path, block);
    if (!facts || this.#following.includes(block) || this.#following.length >= MAX_LEVELS || this.#followed >= MAX_FOLLOWED) return [];
    this.#followed += 1;
    const fixed = facts.asks.size === 0 ? this.#fixedKey(facts) : undefined;
    if (fixed) return [{ api: fixed.api, values: [{ ...fixed.key, named: true }], key: undefined, arguments: NOTHING_WRITTEN, wrapper: block, steps: [{ block, inner: fixed.inner }], isWrapped: true }];
    const frame: Frame = { function: block, self: thing.self, given: { args, skip } };
    const parameters = new Set([...facts.asks.values()].flatMap((names) => [...names]));
    this.#following.push(block);
    try {
      const outcomes = [...facts.asks.keys()].flatMap((inner) => this.#outcomes(inner, [frame, ...thing.frames]).map((outcome) => ({ ...outcome, steps: stepsThrough(block, inner, outcome) })));
      const found = this.#resolver.parameters(block).filter(({ name }) => parameters.has(name)).flatMap(({ name }) => {
        const argument = argumentFor(this.#resolver.parameters(block), name, { args, skip }, block, this.#resolver);
        return argument?.written ? [{ argument: argument.written, at: argument.at }] : [];
      });
      return outcomes.map((outcome) => ({ ...outcome, key: found[0], arguments: NOTHING_WRITTEN, wrapper: block, isWrapped: true }));
    } finally {
      this.#following.pop();
    }
  }

  /** What a call may call; `isCertain` when it is one thing. */
  #targets({ call, block }: CallRef, frames: readonly Frame[]): { readonly targets: readonly Target[]; readonly isCertain: boolean } {
    const at = placeIn(block, frames);
    const args = placed(call.args, at);
    const things = this.#resolver.resolve(call.callee, at);
    const targets = things.flatMap((thing) => this.#targetsOf(thing, args));
    const isCertain = things.length === 1;
    const question = block.module.rules.questions.get(call.name);
    // Without an argument it is another API: a client always needs a flag's name.
    if (!question || call.callee.kind !== 'attribute' || args.length === 0) return { targets, isCertain };
    const { object } = call.callee;
    const isDefined = targets.length > 0 || things.some(({ kind }) => kind === 'function' || kind === 'class');
    const asks = isDefined ? object.kind === 'name' && this.#origins.answersElse(object.name, at) : this.#origins.answers(object, at, question);
    return { targets: asks ? [...targets, { kind: 'question', question, args, configured: false }] : targets, isCertain };
  }

  #targetsOf(thing: Thing, args: readonly PlacedArgument[]): readonly Target[] {
    switch (thing.kind) {
      case 'function': {
        const configured = this.#configured(thing, args);
        return configured ? [configured] : this.#functions(thing).map((each) => ({ kind: 'function', thing: each, args, skip: skipped(each) }));
      }
      case 'class': {
        const constructor = this.#resolver.constructorOf(thing.class);
        const self = { kind: 'instance', class: thing.class, made: args, above: false } as const;
        return constructor ? [{ kind: 'function', thing: { kind: 'function', function: constructor, self, frames: [] }, args, skip: 1 }] : [];
      }
      case 'partial': return thing.of.flatMap((of) => this.#targetsOf(of, [...thing.args, ...args]));
      case 'method': {
        const question = thing.at.block.module.rules.questions.get(thing.name);
        return question && args.length > 0 && this.#origins.answers(thing.object, thing.at, question) ? [{ kind: 'question', question, args, configured: false }] : [];
      }
      case 'outside': return this.#outside(thing, args);
      default: return [];
    }
  }

  /** The function itself, and what heirs of the object's class may have in its place. */
  #functions(thing: Extract<Thing, { kind: 'function' }>): readonly Extract<Thing, { kind: 'function' }>[] {
    const { function: block, self } = thing;
    if (self?.kind !== 'instance' || self.made !== undefined || self.above || !(block.block.function?.empty === true || this.#wrappers.get(block.module.path, block) !== undefined)) return [thing];
    const others = this.#resolver.heirs(self.class).flatMap((heir) => heir.own(block.block.name).flatMap(({ binding, home }) => {
      const own = binding.kind === 'block' ? home.children[binding.block] : undefined;
      return own?.block.function ? [{ kind: 'function', function: own, self: { kind: 'instance', class: heir, made: undefined, above: false }, frames: [] } as const] : [];
    }));
    return [thing, ...others];
  }

  /** A function of the folder of which configuration says that it asks. */
  #configured(thing: Extract<Thing, { kind: 'function' }>, args: readonly PlacedArgument[]): Target | undefined {
    if (this.#settings.wrappers.length === 0) return undefined;
    const { function: block } = thing;
    const { module, parent } = block;
    const owner = parent?.kind === 'class' ? [parent.block.name] : [];
    const dotted = [this.#program.resolver(module).nameOf(module.path), ...owner, block.block.name].join('.');
    const configured = this.#settings.wrappers.find((each) => each.function === dotted);
    if (!configured) return undefined;
    const parameters = this.#resolver.parameters(block).map(({ name }) => name).slice(skipped(thing));
    const keyAt = typeof configured.key === 'string' ? parameters.indexOf(configured.key) : configured.key;
    return keyAt >= 0 ? { kind: 'question', question: { api: 'is_enabled', sdk: 'unleash', parameters, keyAt }, args, configured: true } : undefined;
  }

  #outside({ module, name }: Extract<Thing, { kind: 'outside' }>, args: readonly PlacedArgument[]): readonly Target[] {
    const [first] = args;
    const rules = first?.at.block.module.rules;
    const dotted = name === undefined ? module : `${module}.${name}`;
    const question = name === undefined ? undefined : rules?.question(module, name);
    if (question) return [{ kind: 'question', question, args, configured: false }];
    const configured = this.#settings.wrappers.find((each) => each.function === dotted);
    if (!configured) return [];
    // Nobody knows the parameters: a key that is known by name is only taken by keyword.
    const { key } = configured;
    const keyAt = typeof key === 'string' ? 0 : key;
    const parameters = typeof key === 'string' ? [key] : Array.from({ length: keyAt + 1 }, (_, index) => `argument ${index + 1}`);
    const known = typeof key === 'string' ? args.filter(({ argument }) => argument.name !== undefined || argument.spread !== undefined) : args;
    return [{ kind: 'question', question: { api: 'is_enabled', sdk: 'unleash', parameters, keyAt }, args: known, configured: true }];
  }
}

function stepsThrough(block: BlockRef, inner: CallRef, { steps }: Outcome): readonly Step[] | undefined {
  return steps && [{ block, inner }, ...steps];
}
