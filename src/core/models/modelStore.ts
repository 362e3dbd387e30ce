import { AppError, toAppError } from '../base/errors.ts';
import type { Clock } from '../base/clock.ts';
import { Emitter, type Disposable } from '../base/events.ts';
import type { ModelVersion, RegisteredModel, VersionDetail } from './model.ts';
import { detailKey, joined, mapped, movedAliases, type Listed, type ModelSnapshot, type Reading } from './modelSnapshot.ts';
import type { AliasChange, ModelRegistry } from './registry.ts';

/** What is other than before. */
export interface ModelStoreChange {
  /** Aliases that name another version than at the reading before, whoever moved them. */
  readonly moved: readonly AliasChange[];
}

export interface ModelStoreParts {
  readonly registry: ModelRegistry;
  readonly clock: Clock;
  /** Time between two looks at the registry while it is shown; asked for each time. */
  readonly pollEveryMs: () => number;
}

export const PAGE_SIZE = 100;
/** MLflow gives no more of them at once. */
const LARGEST_PAGE = 1000;
const MAX_WAIT_MS = 10 * 60_000;
/** Failed readings of single things are repeated no sooner, though something shows them all the time. */
export const ASK_AGAIN_AFTER_MS = 60_000;
const MOST_DETAILS = 500;
const NOTHING: Reading<never> = { loading: false };

/**
 * What the views know of one model registry: a snapshot, and an event when it is another one. Nothing is read before `setActive(true)`,
 * `refresh` or a question; the first look is one request, for the first page of models. Further pages, versions and details are read when they
 * are asked for, and kept. While active it looks again from time to time, less often after failures. Every failure becomes part of the
 * snapshot, of that reading alone; only `setAlias` and `readDetail` throw.
 */
export class ModelStore implements Disposable {
  readonly registry: ModelRegistry;
  readonly #parts: ModelStoreParts;
  readonly #changes = new Emitter<ModelStoreChange>();
  readonly #abort = new AbortController();
  /** Readings under way by what they read, so that nothing is asked for twice at a time. */
  readonly #underWay = new Map<string, Promise<void>>();
  readonly #observed = new Set<string>();
  #followed: ReadonlySet<string> = new Set();
  #snapshot: ModelSnapshot = { list: NOTHING, models: new Map(), versions: new Map(), details: new Map() };
  #timer: Disposable | undefined;
  #active = false;
  #failures = 0;

  constructor(parts: ModelStoreParts) {
    this.registry = parts.registry;
    this.#parts = parts;
  }

  readonly onDidChange = this.#changes.event;

  get snapshot(): ModelSnapshot {
    return this.#snapshot;
  }

  /** A registered model with its aliases, where the list or `follow` brought it. */
  model(name: string): Reading<RegisteredModel> {
    return this.#snapshot.models.get(name) ?? NOTHING;
  }

  /** The versions of a model that were asked for with `loadVersions`. */
  versions(model: string): Reading<Listed<ModelVersion>> {
    return this.#snapshot.versions.get(model) ?? NOTHING;
  }

  /** A version's details, by number or alias, that were asked for with `wantDetail` or `readDetail`. An error `notFound`: there is no such version. */
  detail(model: string, versionOrAlias: string): Reading<VersionDetail> {
    const { details } = this.#snapshot;
    return details.get(detailKey(model, this.resolve(model, versionOrAlias) ?? versionOrAlias)) ?? details.get(detailKey(model, versionOrAlias)) ?? NOTHING;
  }

  /**
   * The version that a number or alias means, by what is known now; undefined when that does not tell. A version goes before an alias of the
   * same name, as in the registry. A number is taken for a version: whether there is one says `detail`.
   */
  resolve(model: string, versionOrAlias: string): string | undefined {
    if (/^\d+$/.test(versionOrAlias) || this.versions(model).value?.items.some(({ version }) => version === versionOrAlias) === true) return versionOrAlias;
    return this.model(model).value?.aliases.find(({ alias }) => alias === versionOrAlias)?.version
      ?? this.#snapshot.details.get(detailKey(model, versionOrAlias))?.value?.version;
  }

  /** Whether something shows the registry: only then it is looked at again by itself. */
  setActive(active: boolean): void {
    if (active === this.#active) return;
    this.#active = active;
    this.#timer?.dispose();
    if (!active) return;
    const { readAt, error } = this.#snapshot.list;
    const age = readAt === undefined ? Infinity : this.#parts.clock.now() - readAt;
    if (error !== undefined || age >= this.#parts.pollEveryMs()) void this.refresh();
    else this.#schedule();
  }

  /** The models that have to be known even when they are not on the pages read: those of `modelswitch.yaml`. */
  follow(models: Iterable<string>): void {
    this.#followed = new Set(models);
    if (this.#snapshot.list.readAt !== undefined) for (const name of this.#followed) if (this.model(name) === NOTHING) void this.#readModel(name);
  }

  /** Looks at everything that is shown again: as many models as before, followed ones, versions of observed models. */
  refresh(): Promise<void> {
    return this.#once('list', async () => {
      await this.#readList(Math.max(PAGE_SIZE, this.#snapshot.list.value?.items.length ?? 0));
      const listed = new Set(this.#snapshot.list.value?.items.map(({ name }) => name));
      const { error } = this.#snapshot.list;
      // Where lists are forbidden, single models may be allowed.
      if (error === undefined || error.code === 'forbidden') {
        await Promise.all([...this.#followed].filter((name) => !listed.has(name)).map((name) => this.#readModel(name)));
        await Promise.all([...this.#observed].map((name) => this.#readVersions(name, undefined)));
      }
      this.#schedule();
    });
  }

  /** Everything anew, details too: for a person who asks for it, and for a file that changed. */
  async refreshAll(): Promise<void> {
    this.#snapshot = { ...this.#snapshot, details: new Map() };
    this.#failures = 0;
    // What is under way may have read what was there before.
    await this.#underWay.get('list');
    await this.refresh();
  }

  /** Adds the next page of models. */
  loadMore(): Promise<void> {
    const { value } = this.#snapshot.list;
    return value?.next === undefined ? Promise.resolve() : this.#once('list', () => this.#addPage(value));
  }

  /** Models whose name contains a text, in pages of the registry's own search; the list stays as it is. Never rejects. */
  async find(name: string, before?: Listed<RegisteredModel>): Promise<Reading<Listed<RegisteredModel>>> {
    let found: Reading<Listed<RegisteredModel>> = before === undefined ? NOTHING : { value: before, loading: false };
    await this.#read(found, (reading) => (found = reading), async (signal) => {
      const page = await this.registry.listModels({ name, page: before?.next, size: PAGE_SIZE }, signal);
      this.#learn(page.items, false);
      return before === undefined ? page : joined(before, page);
    });
    return found;
  }

  /** Reads the versions of a model and keeps them fresh until `forgetVersions`. What is known is not read again. */
  loadVersions(model: string): Promise<void> {
    this.#observed.add(model);
    return this.#isKnown(this.versions(model)) ? Promise.resolve() : this.#readVersions(model, undefined);
  }

  loadMoreVersions(model: string): Promise<void> {
    const { value } = this.versions(model);
    return value?.next === undefined ? Promise.resolve() : this.#readVersions(model, value);
  }

  /** Nothing shows the versions of this model any more: they are kept, but not looked at again. */
  forgetVersions(model: string): void {
    this.#observed.delete(model);
  }

  /** Asks for a version's details, by number or alias, if they are not known; a failed question is repeated after a minute. */
  wantDetail(model: string, versionOrAlias: string): void {
    if (!this.#isKnown(this.detail(model, versionOrAlias))) void this.#readDetail(model, versionOrAlias);
  }

  /** A version's details, from here when they are known. @throws AppError */
  async readDetail(model: string, versionOrAlias: string): Promise<VersionDetail> {
    if (this.detail(model, versionOrAlias).value === undefined) await this.#readDetail(model, versionOrAlias);
    const { value, error } = this.detail(model, versionOrAlias);
    if (value === undefined) throw error ?? new AppError('cancelled', 'Cancelled.');
    return value;
  }

  /** Moves an alias as the port does, then reads the model again, also after a conflict. @throws AppError conflict, forbidden and the rest */
  async setAlias(model: string, alias: string, version: string | undefined, expected: string | undefined): Promise<AliasChange> {
    try {
      return await this.registry.setAlias(model, alias, version, expected, this.#abort.signal);
    } finally {
      // What is under way may have read what was there before, and would be told after it.
      for (const what of ['list', `model ${model}`, `versions ${model}`]) await this.#underWay.get(what);
      await this.#readModel(model);
    }
  }

  dispose(): void {
    this.#active = false;
    this.#timer?.dispose();
    this.#abort.abort();
    this.#changes.dispose();
    this.registry.close();
  }

  #schedule(): void {
    this.#timer?.dispose();
    if (!this.#active) return;
    const wait = Math.min(MAX_WAIT_MS, this.#parts.pollEveryMs() * 2 ** Math.min(this.#failures, 10));
    this.#timer = this.#parts.clock.after(wait, () => void this.refresh());
  }

  /** The first `count` models in as few requests as there can be: 100 are one. */
  async #readList(count: number): Promise<void> {
    await this.#read(this.#snapshot.list, (list) => this.#set({ list }), async (signal) => {
      let listed: Listed<RegisteredModel> = await this.registry.listModels({ size: Math.min(count, LARGEST_PAGE) }, signal);
      while (listed.next !== undefined && listed.items.length < count) listed = joined(listed, await this.registry.listModels({ page: listed.next, size: Math.min(count - listed.items.length, LARGEST_PAGE) }, signal));
      return listed;
    });
    const { error, value } = this.#snapshot.list;
    this.#failures = error === undefined ? 0 : this.#failures + 1;
    if (error === undefined && value !== undefined) this.#learn(value.items, true);
  }

  async #addPage(before: Listed<RegisteredModel>): Promise<void> {
    await this.#read(this.#snapshot.list, (list) => this.#set({ list }), async (signal) => joined(before, await this.registry.listModels({ page: before.next, size: PAGE_SIZE }, signal)));
    const { error, value } = this.#snapshot.list;
    if (error === undefined && value !== undefined) this.#learn(value.items, false);
  }

  #readModel(name: string): Promise<void> {
    return this.#once(`model ${name}`, async () => {
      await this.#read(this.model(name), (reading) => this.#set({ models: new Map(this.#snapshot.models).set(name, reading) }), async (signal) => {
        const model = await this.registry.readModel(name, signal);
        this.#learn([model], false);
        return model;
      });
    });
  }

  /** Adds a page to `before`, or reads as many as are known. */
  #readVersions(model: string, before: Listed<ModelVersion> | undefined): Promise<void> {
    const known = this.versions(model).value?.items ?? [];
    const size = before === undefined ? Math.min(LARGEST_PAGE, Math.max(PAGE_SIZE, known.length)) : PAGE_SIZE;
    const set = (reading: Reading<Listed<ModelVersion>>): void => this.#set({ versions: new Map(this.#snapshot.versions).set(model, reading), details: this.#detailsAsListed(model, known, reading.value?.items ?? []) });
    return this.#once(`versions ${model}`, () => this.#read(this.versions(model), set, async (signal) => {
      const page = await this.registry.listVersions(model, { page: before?.next, size }, signal);
      return before === undefined ? page : joined(before, page);
    }));
  }

  /** The details without those of versions that are other than at the last look, such as those that got evidence. */
  #detailsAsListed(model: string, before: readonly ModelVersion[], now: readonly ModelVersion[]): ModelSnapshot['details'] {
    const facts = ({ status, description, tags }: ModelVersion): string => JSON.stringify([status, description, tags]);
    const known = new Map(before.map((each) => [each.version, facts(each)]));
    const changed = new Set(now.filter((each) => known.has(each.version) && known.get(each.version) !== facts(each)).map(({ version }) => version));
    if (changed.size === 0) return this.#snapshot.details;
    return new Map([...this.#snapshot.details].filter(([, { value }]) => value?.model !== model || !changed.has(value.version)));
  }

  #readDetail(model: string, versionOrAlias: string): Promise<void> {
    const asked = detailKey(model, this.resolve(model, versionOrAlias) ?? versionOrAlias);
    return this.#once(`detail ${asked}`, () => this.#read(this.detail(model, versionOrAlias), (reading) => {
      const key = reading.value === undefined ? asked : detailKey(model, reading.value.version);
      const details = new Map(this.#snapshot.details).set(asked, reading).set(key, reading);
      for (const oldest of details.keys()) if (details.size > MOST_DETAILS) details.delete(oldest);
      this.#set({ details });
    }, (signal) => this.registry.readVersion(model, versionOrAlias, signal)));
  }

  /** Never rejects: the failure is part of what is set. What was cancelled is as if it had not been asked for. */
  async #read<T>(before: Reading<T>, set: (reading: Reading<T>) => void, work: (signal: AbortSignal) => Promise<T>): Promise<void> {
    set({ ...before, loading: true });
    try {
      set({ value: await work(this.#abort.signal), readAt: this.#parts.clock.now(), loading: false });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (this.#abort.signal.aborted) return;
      const kept = error.code === 'notFound' || before.value === undefined ? {} : { value: before.value, ...(before.readAt === undefined ? {} : { readAt: before.readAt }) };
      set({ ...kept, error, failedAt: this.#parts.clock.now(), loading: false });
    }
  }

  /** Takes in models that were read: their aliases are those of their versions too. `all`: what is neither among them nor followed is gone. */
  #learn(found: readonly RegisteredModel[], all: boolean): void {
    const { models: before, versions, details } = this.#snapshot;
    const readAt = this.#parts.clock.now();
    const models = new Map(all ? [...before].filter(([name]) => this.#followed.has(name)) : before);
    for (const model of found) models.set(model.name, { value: model, readAt, loading: false });
    const moved = found.flatMap((model) => movedAliases(before.get(model.name)?.value, model));
    const changed = new Map(found.map((model) => [model.name, model]));
    const fresh = <T extends ModelVersion>(version: T): T => {
      const model = changed.get(version.model);
      return model === undefined ? version : { ...version, aliases: model.aliases.filter((each) => each.version === version.version).map(({ alias }) => alias) };
    };
    this.#set({
      models,
      versions: new Map([...versions].map(([name, reading]) => [name, mapped(reading, (listed) => ({ ...listed, items: listed.items.map(fresh) }))])),
      // What was asked for by an alias that moved is another version now.
      details: new Map([...details].filter(([key]) => !moved.some(({ model, alias }) => key === detailKey(model, alias))).map(([key, reading]) => [key, mapped(reading, fresh)])),
    }, moved);
  }

  #set(part: Partial<ModelSnapshot>, moved: readonly AliasChange[] = []): void {
    this.#snapshot = { ...this.#snapshot, ...part };
    this.#changes.fire({ moved });
  }

  #once(what: string, work: () => Promise<void>): Promise<void> {
    const known = this.#underWay.get(what);
    if (known !== undefined) return known;
    let settle: (begun: Promise<void>) => void = () => undefined;
    const running = new Promise<void>((resolve) => { settle = resolve; }).finally(() => this.#underWay.delete(what));
    // Before the work begins: it tells that it does, and who listens may ask for the same.
    this.#underWay.set(what, running);
    settle(work());
    return running;
  }

  #isKnown({ value, error, failedAt = 0 }: Reading<unknown>): boolean {
    return error === undefined ? value !== undefined : this.#parts.clock.now() - failedAt < ASK_AGAIN_AFTER_MS;
  }
}
