import type { FlagApi } from '../model.ts';
import type { Source } from '../syntax.ts';
import type { FileSummary } from './summary.ts';

/**
 * What a name says about being a client of feature flags. `yes` is enough where the code is silent, `generic` (`client`)
 * only where something else speaks for flags too.
 */
export type NameHint = 'yes' | 'generic' | 'no';

/** A method or function of an SDK that asks for a flag. */
export interface FlagQuestion {
  readonly api: FlagApi;
  readonly sdk: 'unleash' | 'openfeature';
  /** Its parameters in order. */
  readonly parameters: readonly string[];
  /** Which of them is the key; without it the first. */
  readonly keyAt?: number;
}

/** What an import from outside the folder is: a client (or a class or maker of one), certainly something else, or unknown. */
export type OutsideOrigin = 'client' | 'openfeature' | 'other' | 'unknown';

/**
 * What the linker must know about a language beyond its summaries. Each language has one, together with its detector; the
 * linker itself knows no language.
 */
export interface LanguageRules {
  /** As in `FileSummary.language`. */
  readonly id: string;
  /** The questions of the SDKs by method name. */
  readonly questions: ReadonlyMap<string, FlagQuestion>;
  /** The names of those that `question` knows. */
  readonly questionFunctions: readonly string[];
  /** Functions that ask for a flag by themselves, such as the hooks of a front-end SDK: by module and exported name. */
  question(module: string, name: string): FlagQuestion | undefined;
  /** What a name that is imported from outside the folder stands for; without a name the module. */
  outside(module: string, name: string | undefined): OutsideOrigin;
  /** Whether an import says that OpenFeature gets its answers from Unleash. */
  isUnleashProvider(module: string, name: string | undefined): boolean;
  /** What the name of a variable, attribute or function says. */
  hint(name: string): NameHint;
  /** Whether an imported name speaks for a file that works with feature flags. */
  mentionsFlags(name: string): boolean;
  /** Whether a name says by itself that it is (a class of) Unleash clients. */
  mentionsClient(name: string): boolean;
  /** The names of the SDK's client classes. */
  readonly clientClasses: ReadonlySet<string>;
  /** The names of the SDK's functions that make or give a client. */
  readonly clientMakers: ReadonlySet<string>;
  isClassName(name: string): boolean;
  /** Names in annotations that leave the type open. */
  readonly openTypes: ReadonlySet<string>;
  /** What the last names of the bases that nobody defines make of a class: an enum, whose members may be texts themselves. */
  enumKind(bases: readonly string[]): 'plain' | 'text' | undefined;
  /** Whether the constructor takes the annotated fields of the class in order: a dataclass. `names` are the last names of decorators and bases. */
  takesFields(names: readonly string[]): boolean;
  /** Whether the entries of an object literal are read like attributes. */
  readonly entriesAreAttributes: boolean;
  /** The names of constructors: `__init__`, `constructor`. */
  readonly constructors: readonly string[];
  /** Functions that give a callable with some arguments filled in: `partial`. */
  readonly partials: ReadonlySet<string>;
  /** Modules that a name or module stands for. Made anew whenever the files of the folder change. */
  modules(files: FolderFiles): ModuleResolver;
}

/** The files of a folder that may be modules. Paths are relative with forward slashes. */
export interface FolderFiles {
  readonly paths: ReadonlySet<string>;
  /** Folders that hold a project file (`pyproject.toml`, `package.json`, ...); '' is the folder itself. */
  readonly roots: ReadonlySet<string>;
  readonly imports?: ImportSettings;
}

/** What project files say about imports that are not relative. */
export interface ImportSettings {
  readonly maps: readonly ImportMap[];
  /** The packages of the folder that import each other by their names. */
  readonly packages: readonly PackageFolder[];
}

/** For the files below its folder, up to the next such folder. */
export interface ImportMap {
  readonly folder: string;
  /** The folder in which other imports may start (`baseUrl`). */
  readonly base?: string;
  readonly paths: readonly ImportPath[];
}

/** An import that fits `pattern`, which may hold one `*`, means the first of `targets` that is a file; they are relative to the workspace. */
export interface ImportPath {
  readonly pattern: string;
  readonly targets: readonly string[];
}

/** Patterns of `entries` are those of `exports` in a `package.json`: `.`, `./keys`, `./*`. */
export interface PackageFolder {
  readonly name: string;
  readonly folder: string;
  readonly entries: readonly ImportPath[];
}

export type ModuleTarget =
  | { readonly kind: 'file'; readonly path: string }
  /** A folder without a file of its own that holds modules. */
  | { readonly kind: 'folder'; readonly path: string }
  /** It may be one of several files, and nothing says which. */
  | { readonly kind: 'ambiguous'; readonly paths: readonly string[] }
  /** Nothing in the folder: an installed package. */
  | { readonly kind: 'outside' };

/** Finds the file that an import means. Pure and without I/O: it sees the paths of the folder. */
export interface ModuleResolver {
  /** The module that `module`, as written in the file `from`, means there. */
  resolve(from: string, module: string): ModuleTarget;
  /** The module `name` inside of a file that stands for a folder (`__init__.py`) or of a folder; undefined when there is none. */
  inside(target: ModuleTarget, name: string): ModuleTarget | undefined;
  /** Whether other modules are reached through a file: it stands for the folder that it lies in. */
  isPackage(target: ModuleTarget): boolean;
  /** The dotted name by which configuration calls a file's module. */
  nameOf(path: string): string;
}

/** Makes summaries of texts in one language. Pure: it sees a text with its tree and nothing else. */
export interface Summarizer {
  readonly rules: LanguageRules;
  /** File name endings, with the dot. */
  readonly endings: readonly string[];
  /** Names of which a text must have one before it is worth a tree, as long as nothing else asks for the file. */
  readonly words: readonly string[];
  /** Starts on one document, whose versions it may remember to summarise only what changed. */
  open(): DocumentSummary;
}

export interface DocumentSummary {
  /**
   * The summary of a version. With `words` the functions in which none of them occurs may be left out but for their heads: enough to
   * find the document's own calls of those names.
   */
  summary(source: Source, words?: ReadonlySet<string>): FileSummary;
}
