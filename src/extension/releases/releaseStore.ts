import { createHash } from 'node:crypto';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { DisposableStore, Emitter, type Disposable } from '../../core/base/events.ts';
import { ReleaseReader, type LookedAt, type ReleasePorts } from '../../core/releases/releaseReader.ts';
import type { QualityData } from '../../core/quality/window.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { Target } from '../connection/connections.ts';
import type { Back } from '../quality/qualityReader.ts';
import type { ReleaseFeatureParts } from './lazyReleases.ts';

/** A release of a workspace folder, and what the last look at it said. */
export interface ReleaseState {
  /** Server, project, flag and model: the same in every window. */
  readonly key: string;
  readonly target: Target;
  readonly model: ModelMapping;
  readonly flag: string;
  /** Undefined before the first look succeeded; after a failure still what was seen before. */
  readonly looked: LookedAt | undefined;
  /** Milliseconds since 1970. */
  readonly lookedAt: number | undefined;
  readonly error: AppError | undefined;
}

type ReleaseKey = readonly [baseUrl: string, project: string, flag: string, model: string];

/** Flag and model of a `ReleaseState.key`. */
export function releaseOf(key: string): { readonly flag: string; readonly model: string } {
  const [, , flag, model] = JSON.parse(key) as ReleaseKey;
  return { flag, model };
}

/** What shows releases: the view all of them, lenses those behind their flags. */
export type ShownReleases = 'all' | ReadonlySet<string>;

/** A registry is asked, and a source read: no need to do so as often as the flags are polled. */
const POLL_FACTOR = 4;

/** Every release that the workspace's files plan, looked at while something shows it, and anew when the flag changes. */
export class ReleaseStore implements Disposable {
  readonly #parts: ReleaseFeatureParts;
  readonly #all = new DisposableStore();
  readonly #changes = this.#all.add(new Emitter<undefined>());
  readonly #readers = new WeakMap<Target['models'], ReleaseReader>();
  readonly #running = new Map<string, Promise<LookedAt>>();
  #states: readonly ReleaseState[] = [];
  #seen = new Map<string, string>();
  #timer: Disposable | undefined;
  #shown: ShownReleases = new Set();
  #disposed = false;

  constructor(parts: ReleaseFeatureParts) {
    this.#parts = parts;
    this.#all.add(parts.connections.onDidChange(() => this.#update()));
    this.#all.add(parts.files.onDidChange(() => this.#update()));
    this.#update();
  }

  readonly onDidChange = this.#changes.event;

  get states(): readonly ReleaseState[] {
    return this.#states;
  }

  of(key: string): ReleaseState | undefined {
    return this.#states.find((each) => each.key === key);
  }

  /** Look from time to time at what something shows. */
  setShown(shown: ShownReleases): void {
    const before = new Set(this.#visible().map(({ key }) => key));
    this.#shown = shown;
    const now = this.#visible();
    const added = now.filter(({ key }) => !before.has(key));
    if (now.length === 0) this.#timer?.dispose();
    else if (added.length > 0) void this.#poll(added);
  }

  /** Looks at all of them, one after another. It never rejects: why a look failed is in its state. */
  async refresh(): Promise<void> {
    for (const { key } of this.#states) await this.look(key).catch(() => undefined);
  }

  /** What reads a target's releases; it keeps what it read last for the case that the source fails. */
  reader(target: Target): ReleaseReader {
    const known = this.#readers.get(target.models) ?? new ReleaseReader(this.#ports(target));
    this.#readers.set(target.models, known);
    return known;
  }

  /** Looks afresh. @throws AppError as the flag's server fails */
  look(key: string): Promise<LookedAt> {
    const running = this.#running.get(key) ?? this.#look(key).finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }

  /** Takes over what somebody else, the guard, has just seen. */
  saw(key: string, change: Pick<ReleaseState, 'looked' | 'error'>): void {
    this.#set(key, { ...change, lookedAt: this.#parts.clock.now() });
  }

  dispose(): void {
    this.#disposed = true;
    this.#timer?.dispose();
    this.#all.dispose();
  }

  async #look(key: string): Promise<LookedAt> {
    const state = this.of(key);
    if (state === undefined) throw new AppError('notFound', 'modelswitch.yaml has no such release any more.');
    try {
      const looked = await this.reader(state.target).look(state.model, state.flag);
      this.#set(key, { looked, error: undefined, lookedAt: this.#parts.clock.now() });
      return looked;
    } catch (thrown) {
      this.#set(key, { error: toAppError(thrown) });
      throw thrown;
    }
  }

  #set(key: string, change: Partial<ReleaseState>): void {
    if (this.#disposed) return;
    this.#states = this.#states.map((each) => (each.key === key ? { ...each, ...change } : each));
    this.#changes.fire(undefined);
  }

  #update(): void {
    if (this.#disposed) return;
    const known = new Map(this.#states.map((each) => [each.key, each]));
    this.#states = this.#parts.connections.targets.flatMap((target) => target.models.filter(({ plan = [] }) => plan.length > 0).flatMap((model) => model.switches.map(({ flag }): ReleaseState => {
      const key = JSON.stringify([target.baseUrl, target.project, flag, model.name] satisfies ReleaseKey);
      const { looked, lookedAt, error } = known.get(key) ?? {};
      return { key, target, model, flag, looked, lookedAt, error };
    })));
    const seen = new Map(this.#states.map(({ key, target: { connection }, flag, model }) => [key, JSON.stringify([connection.state.kind, connection.session?.store.snapshot?.flags.get(flag)?.environments, model.plan, model.quality?.section])]));
    const changed = [...seen].filter(([key, token]) => this.#seen.get(key) !== token).map(([key]) => key);
    this.#seen = seen;
    if (changed.length === 0 && known.size === this.#states.length) return;
    this.#changes.fire(undefined);
    for (const { key, target } of this.#visible()) if (changed.includes(key) && target.connection.session !== undefined) void this.look(key).catch(() => undefined);
  }

  #visible(): readonly ReleaseState[] {
    const shown = this.#shown;
    return shown === 'all' ? this.#states : this.#states.filter(({ flag }) => shown.has(flag));
  }

  async #poll(states: readonly ReleaseState[]): Promise<void> {
    for (const { key } of states) await this.look(key).catch(() => undefined);
    if (this.#visible().length === 0 || this.#disposed) return;
    this.#timer?.dispose();
    this.#timer = this.#parts.clock.after(POLL_FACTOR * this.#parts.pollEveryMs(), () => void this.#poll(this.#visible()));
  }

  #ports(target: Target): ReleasePorts {
    const { clock, gatePorts } = this.#parts;
    const session = (): NonNullable<Target['connection']['session']> => target.connection.session ?? notConnected(target);
    return {
      config: target, gates: gatePorts(target),
      readFlag: (flag, signal) => session().runner.read(target.project, flag, signal),
      readExposures: (flag, signal) => session().client.readExposures(flag, signal),
      readQuality: (model, _now, _signal, back) => this.readQuality(target, model, back),
      now: () => clock.now() + clockOffset(target),
      sha256: (text) => createHash('sha256').update(text).digest('hex'),
    };
  }

  /** What the services of a model logged, `back` to when the evidence of a release began. @throws AppError as its source fails */
  async readQuality({ folder }: Target, model: ModelMapping, back?: Back): Promise<QualityData> {
    const { store } = await this.#parts.quality.load();
    const ref = { folder: folder.uri.toString(), model: model.name };
    const before = store.of(ref)?.readAt;
    await store.refresh(ref, undefined, back);
    const reading = store.of(ref);
    if (reading?.error !== undefined) throw reading.error;
    // What was read before is shown on, but it is no look.
    if (reading?.data !== undefined && reading.readAt === before) throw new AppError('internal', `The reading of ${model.name} was ended before it was done.`);
    if (reading?.data === undefined) throw new AppError('validation', `The quality of ${model.name} has no source that could be read: name one in modelswitch.yaml (quality: {source: ...}).`);
    return reading.data;
  }
}

/** The server tells whole seconds: a difference that small is none. */
function clockOffset({ connection }: Target): number {
  const offset = connection.session?.client.clockOffset ?? 0;
  return Math.abs(offset) > 2000 ? offset : 0;
}

function notConnected({ connection: { origin } }: Target): never {
  throw new AppError('auth', `Not connected to ${origin}: connect with a personal access token first.`, { origin });
}
