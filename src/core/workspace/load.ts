import { isMap } from 'yaml';
import type { CallSiteConfig, ModelMapping, ModelSwitch, Persona, UnleashTarget, WorkspaceConfig, WorkspaceFile } from './config.ts';
import { readMetric, readProvides, type FeatureSet } from './featureSet.ts';
import { readGuard } from './guard.ts';
import { doubledVariants, memberProblems, readPlan, statisticsProblems, type PlanProblem, type Stage } from './plan.ts';
import { readQuality, type QualityDefinition } from '../quality/definitions.ts';
import { readRegistry, type RegistryTarget } from './registry.ts';
import { readRetrain } from './retrain.ts';
import { hasCredentials, reservedKeyProblems, secretProblems, tokenProblems } from './secrets.ts';
import { ALIASES_MEND, MOST_ALIASES, quotable, shown, Source } from './source.ts';
import type { Problem, SourcePath, SourceRange } from './source.ts';
import { checkServerUrl } from './url.ts';
import { modelSchema } from './schema.ts';
import { schemaProblems } from './validate.ts';

const LARGEST = 256 * 1024;
/** A parser takes seconds for a text that is nothing but opening brackets or dashes. */
const DEEPEST = 200;
/** A file of more bytes need not be opened: it has too many characters, whatever they are. */
export const LARGEST_BYTES = 3 * LARGEST;

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The entries of a mapping, without the one name an object cannot have. */
function entries(value: unknown): [string, unknown][] {
  return Object.entries(fields(value) ?? {}).filter(([key]) => key !== '__proto__');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function name(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : text(value);
}

/** `{key: value}`, or nothing when there is no value. */
function given<Key extends string, Value>(key: Key, value: Value | undefined): { readonly [K in Key]?: Value } {
  return value === undefined ? {} : { [key]: value } as { readonly [K in Key]?: Value };
}

/** A list that has something in it. */
function some<T>(found: readonly T[]): readonly T[] | undefined {
  return found.length === 0 ? undefined : found;
}

function isFeatureSet(value: unknown): value is Fields {
  return fields(value)?.['kind'] === 'features';
}

function callSites(section: Fields | undefined): CallSiteConfig | undefined {
  if (section === undefined) return undefined;
  const texts = (key: string): readonly string[] => list(section[key]).flatMap((entry) => text(entry) ?? []);
  const wrappers = list(section['wrappers']).flatMap((entry) => {
    const wrapper = fields(entry);
    const called = text(wrapper?.['function']);
    const key = wrapper?.['key'] ?? 0;
    const isPlace = typeof key === 'number' && Number.isSafeInteger(key) && key >= 0;
    return called === undefined || !(isPlace || text(key) !== undefined) ? [] : [{ function: called, key: key as number | string }];
  });
  return { wrappers, clients: texts('clients'), exclude: texts('exclude') };
}

/** Reads a file's content into our own types. What the schema complains about is left out here. */
class Reader {
  readonly problems: Problem[] = [];
  readonly #source: Source;

  constructor(source: Source) {
    this.#source = source;
  }

  config(content: Fields): WorkspaceConfig {
    const unleash = fields(content['unleash']);
    return {
      ...(unleash === undefined ? {} : { unleash: this.#unleash(unleash) }),
      ...given('registry', this.#registry(fields(content['registry']))),
      models: entries(content['models']).flatMap(([key, value]) => (isFeatureSet(value) ? [] : this.#model(key, value) ?? [])),
      ...given('features', some(entries(content['models']).flatMap(([key, value]) => (isFeatureSet(value) ? this.#featureSet(key, value) ?? [] : [])))),
      personas: this.#personas(list(content['personas'])),
      ...given('callsites', callSites(fields(content['callsites']))),
    };
  }

  #unleash(section: Fields): UnleashTarget {
    const rangeOf = (key: string): SourceRange | undefined => (text(section[key]) === undefined ? undefined : this.#source.valueRange(['unleash', key]));
    return {
      ...given('url', this.#url(text(section['url']))),
      ...given('project', text(section['project'])),
      ...given('environment', text(section['environment'])),
      ranges: { ...given('url', rangeOf('url')), ...given('project', rangeOf('project')), ...given('environment', rangeOf('environment')) },
    };
  }

  #url(written: string | undefined): string | undefined {
    // Credentials in it have been reported as a secret.
    if (written === undefined || hasCredentials(written)) return undefined;
    const checked = checkServerUrl(written);
    if ('problem' in checked) {
      this.#add('url', 'error', `unleash.url ${checked.problem}.`, ['unleash', 'url']);
      return undefined;
    }
    if (checked.advice !== undefined) this.#add('url', 'warning', `unleash.url ${checked.advice}.`, ['unleash', 'url']);
    return checked.url;
  }

  #registry(section: Fields | undefined): RegistryTarget | undefined {
    const checked = section === undefined ? undefined : readRegistry(section);
    if (checked === undefined) return undefined;
    const path = checked.key === undefined ? ['registry'] : ['registry', checked.key];
    if ('target' in checked) return { ...checked.target, range: this.#source.valueRange(path) };
    this.#add(checked.key === 'mlflow' ? 'url' : 'type', 'error', `${path.join('.')} ${checked.problem}.`, path);
    return undefined;
  }

  #featureSet(key: string, value: Fields): FeatureSet | undefined {
    const path = ['models', key];
    const flag = text(value['flag']);
    const provides = readProvides(value['provides']);
    if (flag === undefined) this.#add('incomplete', 'warning', `${quotable(key)} is of kind features and has no flag: name the one that the new code is behind.`, path);
    else if (Object.keys(provides).length === 0) this.#add('incomplete', 'warning', `${quotable(key)} is of kind features and does not say what it provides: add it, such as provides: {transactions: v3}.`, path);
    const unread = Object.keys(value).filter((each) => !['kind', 'flag', 'provides'].includes(each) && each in modelSchema.shape);
    for (const each of unread) this.#add('unknownKey', 'warning', `${quotable(key)} is of kind features, which has flag and provides only; ${each} is ignored.`, [...path, each]);
    return flag === undefined ? undefined : { name: key, flag, provides, range: this.#source.valueRange([...path, 'flag']) };
  }

  #model(key: string, value: unknown): ModelMapping | undefined {
    const model = fields(value);
    if (model === undefined) return undefined;
    const path = ['models', key];
    const flag = text(model['flag']);
    const listed = list(model['switches']).flatMap((entry, index) => this.#switch(fields(entry), [...path, 'switches', index]) ?? []);
    const short = flag === undefined ? [] : [{ flag, on: 'candidate', off: 'current', range: this.#source.valueRange([...path, 'flag']) }];
    if (model['flag'] === undefined && list(model['switches']).length === 0 && (model['plan'] ?? null) !== null) {
      // A key that is misspelt would be enough for a release that nobody guards.
      this.#add('incomplete', 'error', `${quotable(key)} has a plan and no flag, so nothing is released or guarded by it: add one, such as flag: ${quotable(key)}-v2.`, path);
    } else if (model['flag'] === undefined && model['switches'] === undefined) {
      this.#add('incomplete', 'warning', `${quotable(key)} has no flag, so nothing switches it: add one, such as flag: ${quotable(key)}-v2.`, path);
    }
    if (model['flag'] !== undefined && model['switches'] !== undefined) {
      this.#add('duplicate', 'error', `${quotable(key)} has both flag and switches: list all its flags under switches, or keep only flag.`, [...path, 'flag']);
    }
    const suites = list(model['suites']).flatMap((pattern) => text(pattern) ?? []);
    const switches = [...short, ...listed];
    for (const [index, entry] of switches.entries()) {
      if (switches.findIndex((other) => other.flag === entry.flag) === index) continue;
      this.problems.push({ code: 'duplicate', severity: 'error', message: `${quotable(key)} names the flag ${quotable(entry.flag)} twice: keep one of them.`, range: entry.range, path: [...path, 'switches'] });
    }
    const plan = this.#plan(key, model, switches);
    this.#statistics(key, fields(model['quality'])?.['guardrails'], plan);
    return {
      name: key,
      switches,
      ...given('registeredModel', text(model['registered_model'])),
      ...given('contract', text(model['contract'])),
      ...given('suites', suites.length === 0 ? undefined : suites),
      ...given('metric', readMetric(model['metric'])),
      ...given('retrain', readRetrain(fields(model['retrain']))),
      ...given('plan', plan),
      ...given('guard', readGuard(fields(model['guard']))),
      ...given('quality', this.#quality(model['quality'], [...path, 'quality'])),
      current: name(model['current']) ?? 'champion',
      candidate: name(model['candidate']) ?? 'challenger',
      range: this.#source.keyRange(path),
      ranges: { ...this.#rangeOf(model, path, 'registered_model', 'registeredModel'), ...this.#rangeOf(model, path, 'current'), ...this.#rangeOf(model, path, 'candidate') },
    };
  }

  /** None where it cannot be followed, such as by a flag that gives the current version more when it is raised. */
  #plan(model: string, section: Fields, switches: readonly ModelSwitch[]): readonly Stage[] | undefined {
    const listed = section['plan'];
    if (listed === undefined || listed === null) return undefined;
    const path = ['models', model, 'plan'];
    const [current, candidate] = [name(section['current']) ?? 'champion', name(section['candidate']) ?? 'challenger'];
    const upsideDown = switches.find(({ on, off, variants }) => variants === undefined && (on === 'current' || on === current || off === 'candidate' || off === candidate));
    if (upsideDown !== undefined) {
      this.#add('plan', 'error', `The plan of ${quotable(model)} cannot be followed: ${quotable(upsideDown.flag)} gives the current version more when it is raised. A plan needs a flag that is on for the candidate.`, path);
      return undefined;
    }
    const doubled = doubledVariants(switches, current, candidate);
    if (doubled !== undefined) {
      this.#add('plan', 'error', `The plan of ${quotable(model)} cannot be followed: a plan compares one variant for the candidate with one for the current version: ${doubled}.`, path);
      return undefined;
    }
    if (switches.length > 1) {
      const flags = switches.map(({ flag }) => quotable(flag)).join(' and ');
      this.#add('plan', 'error', `The plan of ${quotable(model)} cannot be followed: a release is of one flag, and ${quotable(model)} is switched by ${flags}, whose records would be counted together. Map each flag as a model of its own; they may have the same registered_model.`, path);
      return undefined;
    }
    const { stages, problems } = readPlan(listed, (index) => this.#source.valueRange([...path, index]));
    this.#addPlan(model, problems);
    const quality = fields(section['quality']);
    // Whom the queries of another source leave out nobody can read here.
    const isLog = fields(quality?.['source'])?.['log'] !== undefined;
    if (quality !== undefined && isLog && quality['where'] === undefined) this.#addPlan(model, memberProblems(stages));
    return stages.length === 0 ? undefined : stages;
  }

  #addPlan(model: string, problems: readonly PlanProblem[]): void {
    for (const { severity, message, stage, key } of problems) {
      this.#add('plan', severity, `Stage ${stage + 1} of ${quotable(model)} ${message}`, ['models', model, 'plan', stage, ...(key === undefined ? [] : [key])]);
    }
  }

  /** A guardrail that is declared wrongly is told at its place, and is no reason to find fault with the plan. */
  #statistics(model: string, declared: unknown, plan: readonly Stage[] = []): void {
    if (declared === undefined || declared === null || (Array.isArray(declared) && declared.length === 0)) this.#addPlan(model, statisticsProblems(plan));
  }

  #quality(section: unknown, path: SourcePath): QualityDefinition | undefined {
    if (section === undefined || section === null) return undefined;
    const { quality, problems } = readQuality(section);
    for (const { path: below, message, at, severity = 'error' } of problems) {
      const place = [...path, ...below];
      this.problems.push({ code: 'type', severity, message: `${below.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('').replace(/^\./, '')}: ${message}.`, range: at === undefined ? this.#source.valueRange(place) : this.#source.rangeWithin(place, at), path: place });
    }
    const { source } = fields(section) ?? {};
    const isUnsourced = source === undefined && quality !== undefined && quality.metrics.length > 0;
    if (isUnsourced) this.problems.push({ code: 'missing', severity: 'warning', message: 'quality has metrics, but names no source, so nothing is judged by them: add source: {log: logs/predictions-*.jsonl}.', range: this.#source.keyRange(path), path: [...path] });
    return quality;
  }

  #switch(entry: Fields | undefined, path: SourcePath): ModelSwitch | undefined {
    const flag = text(entry?.['flag']);
    if (entry === undefined || flag === undefined) return undefined;
    const variants = entries(entry['variants']).flatMap(([variant, value]): [string, string][] => { const served = name(value); return served === undefined ? [] : [[variant, served]]; });
    const ranges = { ...this.#rangeOf(entry, path, 'on'), ...this.#rangeOf(entry, path, 'off'), ...Object.fromEntries(variants.map(([variant]) => [`variants.${variant}`, this.#source.keyRange([...path, 'variants', variant])])) };
    return {
      flag, on: name(entry['on']) ?? 'candidate', off: name(entry['off']) ?? 'current',
      ...(variants.length === 0 ? {} : { variants: Object.fromEntries(variants) }),
      range: this.#source.valueRange([...path, 'flag']), ranges,
    };
  }

  /** Where a value stands, under the key's name or another; nothing where it is not written. */
  #rangeOf(section: Fields, path: SourcePath, key: string, as = key): Record<string, SourceRange> {
    return name(section[key]) === undefined ? {} : { [as]: this.#source.valueRange([...path, key]) };
  }

  #personas(listed: readonly unknown[]): Persona[] {
    const seen = new Set<string>();
    return listed.flatMap((entry, index): Persona[] => {
      const persona = fields(entry);
      const called = text(persona?.['name']);
      if (persona === undefined || called === undefined) return [];
      const path = ['personas', index, 'name'];
      if (seen.has(called)) this.#add('duplicate', 'warning', `Two personas are called ${quotable(called)}: give each a name of its own.`, path);
      seen.add(called);
      const properties = entries(persona['properties']).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
      return [{
        name: called,
        ...given('userId', name(persona['userId'])),
        ...given('sessionId', name(persona['sessionId'])),
        properties: Object.fromEntries(properties.map(([key, value]) => [key, String(value)])),
        range: this.#source.valueRange(path),
        propertyRanges: Object.fromEntries(properties.map(([key]) => [key, this.#source.keyRange(['personas', index, 'properties', key])])),
      }];
    });
  }

  #add(code: Problem['code'], severity: Problem['severity'], message: string, path: SourcePath): void {
    this.problems.push({ code, severity, message, range: this.#source.valueRange(path), path });
  }
}

function failure(source: Source | undefined, code: Problem['code'], message: string): Problem {
  const start = { offset: 0, line: 0, column: 0 };
  return { code, severity: 'error', message, range: source?.keyRange([]) ?? { start, end: start } };
}

function read(source: Source): WorkspaceFile {
  const { document } = source;
  // What does not parse is not guessed at: a wrong guess could name another server or flag.
  const secrets = secretProblems(source);
  const found = [...source.problems, ...secrets, ...tokenProblems(source, secrets)];
  if (source.problems.some(({ severity }) => severity === 'error')) return { problems: found };
  const problems = [...found, ...reservedKeyProblems(source)];
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch {
    return { problems: [...problems, failure(source, 'size', ALIASES_MEND)] };
  }
  if (content === null || content === undefined) {
    return { config: { models: [], personas: [] }, problems: [...problems, { ...failure(source, 'missing', 'The file is empty: start it with version: 1, then unleash: and models:.'), severity: 'warning' }] };
  }
  const root = fields(content);
  if (root === undefined || !isMap(document.contents)) {
    return { problems: [...problems, failure(source, 'type', 'The file must be a mapping with version, unleash and models, such as version: 1 in its first line.')] };
  }
  // A section whose key is written but not its content is one that somebody is about to write.
  const written = Object.fromEntries(Object.entries(root).filter(([, value]) => value !== null));
  problems.push(...schemaProblems(source, written));
  if (written['version'] !== undefined && written['version'] !== 1) return { problems };
  const reader = new Reader(source);
  const config = reader.config(written);
  return { config, problems: [...problems, ...reader.problems] };
}

/** How deep brackets nest, or dashes and question marks in one line do; brackets in quotes and comments count too, as an upper limit. */
export function nestsTooDeeply(written: string): boolean {
  let depth = 0;
  let dashes = 0;
  for (const character of written) {
    if (character === '[' || character === '{') depth += 1;
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1);
    else if (character === '-' || character === '?') dashes += 1;
    else if (character !== ' ' && character !== '\t') dashes = 0;
    if (depth > DEEPEST || dashes > 5 * DEEPEST) return true;
  }
  return false;
}

/** What is said of a file that is too large to be opened. */
export function tooLargeFile(): WorkspaceFile {
  return { problems: [failure(undefined, 'size', 'The file is larger than 256 kB: it only maps models to flags, so move what else it holds to other files.')] };
}

/**
 * Reads a `modelswitch.yaml`. It never throws: whatever the text is, what is wrong stands in `problems` (in the order of the
 * text, at most 100), each with its place and mend. Nothing is read from a text that is no valid YAML or is of another format version.
 */
export function loadWorkspaceFile(written: string): WorkspaceFile {
  if (written.length > LARGEST) return tooLargeFile();
  if (nestsTooDeeply(written)) return { problems: [failure(undefined, 'size', `The file nests more than ${DEEPEST} levels deep: close what is left open, or flatten it.`)] };
  let source: Source | undefined;
  try {
    source = new Source(written);
    const file = read(source);
    const byPlace = (problems: readonly Problem[]): Problem[] => [...problems].sort((a, b) => a.range.start.offset - b.range.start.offset);
    return { ...file, problems: byPlace(shown(byPlace(file.problems))) };
  } catch (error) {
    return { problems: [failure(source, 'syntax', `The file cannot be read: ${quotable(String(error))}. Undo the last edit, or start again with version: 1.`)] };
  }
}
