import { toAppError, type AppError } from '../../core/base/errors.ts';
import type { Clock } from '../../core/base/clock.ts';
import { Emitter, type Disposable } from '../../core/base/events.ts';
import type { Flag } from '../../core/flags/model.ts';
import type { FlagSnapshot } from '../../core/flags/store.ts';
import { answersOf, evaluateAll, type NamedAnswer, type Question } from '../../core/personas/ask.ts';
import { namedContext, type ContextField, type NamedContext } from '../../core/personas/model.ts';
import type { Connection, Session } from '../connection/connection.ts';
import type { Connections } from '../connection/connections.ts';
import { environmentNames, flagFacts, type FlagFacts } from '../flags/facts.ts';
import type { Log } from '../platform/log.ts';

/** What is known of the personas' answers for one flag, in its present state. */
export type PersonaAnswers =
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly error: AppError }
  | { readonly kind: 'known'; readonly answers: readonly NamedAnswer[] };

interface Entry {
  /** What the answers hang on: another state of the flag is another question. */
  readonly state: string;
  readonly answers: PersonaAnswers;
  readonly at: number;
  readonly settled: Promise<void>;
}

const ASK_AGAIN_AFTER_MS = 60_000;

/**
 * What the personas of `modelswitch.yaml` get from flags, asked for when something shows it and kept until the flag changes. One
 * request answers for every environment, persona and mapped flag. It never polls: a failed question is asked again when
 * something still shows it a minute later.
 */
export class PersonaStore implements Disposable {
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #changes = new Emitter<undefined>();
  readonly #abort = new AbortController();
  readonly #entries = new WeakMap<Session, Map<string, Entry>>();
  readonly #fields = new WeakMap<Session, { known?: readonly ContextField[] }>();

  constructor(connections: Connections, clock: Clock, log: Log) {
    this.#connections = connections;
    this.#clock = clock;
    this.#log = log;
  }

  /** Answers came, or the context fields did. */
  readonly onDidChange = this.#changes.event;

  /** The personas that a workspace with this connection names. */
  personas(connection: Connection): readonly NamedContext[] {
    const all = this.#connections.targets.filter((target) => target.connection === connection).flatMap(({ personas }) => personas);
    return [...new Map(all.map((persona) => [persona.name, namedContext(persona)])).values()];
  }

  /** What is known; what is not is asked for. Undefined: there is nobody to ask for, or nobody to ask. */
  of(facts: FlagFacts): PersonaAnswers | undefined {
    return this.#entry(facts)?.answers;
  }

  /** The same once it is known, or after `ms`. */
  async settled(facts: FlagFacts, ms: number): Promise<PersonaAnswers | undefined> {
    const entry = this.#entry(facts);
    if (entry === undefined) return undefined;
    let timer: Disposable | undefined;
    await Promise.race([entry.settled, new Promise<void>((resolve) => (timer = this.#clock.after(ms, resolve)))]);
    timer?.dispose();
    return this.#entry(facts)?.answers;
  }

  /** The context fields of a server, once they are read; the first call reads them. */
  contextFields(connection: Connection): readonly ContextField[] | undefined {
    const { session } = connection;
    if (session === undefined || connection.state.kind !== 'connected') return undefined;
    const entry = this.#fields.get(session);
    if (entry === undefined) {
      this.#fields.set(session, {});
      this.readContextFields(connection).catch((error: unknown) => this.#log.error('Reading the context fields', error));
    }
    return entry?.known;
  }

  /** @throws AppError */
  async readContextFields({ session }: Connection, signal?: AbortSignal): Promise<readonly ContextField[]> {
    const known = await session?.client.readContextFields(signal ?? this.#abort.signal) ?? [];
    if (session !== undefined) this.#fields.set(session, { known });
    this.#changes.fire(undefined);
    return known;
  }

  dispose(): void {
    this.#abort.abort();
    this.#changes.dispose();
  }

  #entry(facts: FlagFacts): Entry | undefined {
    const { connection, flag, snapshot, status } = facts;
    const { session } = connection;
    const contexts = this.personas(connection);
    if (session === undefined || connection.state.kind !== 'connected' || flag === undefined || snapshot === undefined || status !== 'active' || contexts.length === 0) return undefined;
    const entries = this.#entries.get(session) ?? new Map<string, Entry>();
    this.#entries.set(session, entries);
    const state = stateOf(facts, flag, snapshot, contexts);
    const known = entries.get(facts.name);
    const isOld = known?.answers.kind === 'failed' && this.#clock.now() - known.at >= ASK_AGAIN_AFTER_MS;
    if (known?.state === state && !isOld) return known;
    this.#ask(session, facts, contexts, entries);
    return entries.get(facts.name);
  }

  /** Asks for a flag, and in the same request for the mapped flags whose answers are not of their present state. */
  #ask(session: Session, facts: FlagFacts, contexts: readonly NamedContext[], entries: Map<string, Entry>): void {
    const { connection, snapshot } = facts;
    const mapped = this.#connections.targets.filter((target) => target.connection === connection).flatMap(({ models }) => models.flatMap(({ switches }) => switches.map(({ flag }) => flag)));
    const wanted = [...new Set([facts.name, ...mapped])].flatMap((name) => {
      const each = name === facts.name ? facts : flagFacts(this.#connections, connection, name);
      if (each.flag === undefined || each.snapshot === undefined || each.status !== 'active') return [];
      const state = stateOf(each, each.flag, each.snapshot, contexts);
      if (name !== facts.name && entries.get(name)?.state === state) return [];
      const question: Question = { flag: each.flag, environments: environmentNames(each), contexts, mapping: each.mapping };
      return [{ name, state, question }];
    });
    const questions = wanted.map(({ question }) => question);
    const settled = this.#answers(session, connection, questions, snapshot?.flags.size).then((answersFor) => {
      for (const { name, state, question } of wanted) {
        // A flag that changed meanwhile was asked for anew.
        if (entries.get(name)?.settled === settled) entries.set(name, { state, answers: answersFor(question), at: this.#clock.now(), settled });
      }
      this.#changes.fire(undefined);
    });
    for (const { name, state } of wanted) entries.set(name, { state, answers: { kind: 'loading' }, at: this.#clock.now(), settled });
  }

  /** Never rejects. */
  async #answers(session: Session, { project }: Connection, questions: readonly Question[], flagCount: number | undefined): Promise<(question: Question) => PersonaAnswers> {
    try {
      const evaluations = await evaluateAll(session.client, project, questions, flagCount, this.#abort.signal);
      return (question) => ({ kind: 'known', answers: answersOf(question, evaluations) });
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code !== 'cancelled') this.#log.error('Asking which model the personas get', error);
      return () => ({ kind: 'failed', error });
    }
  }
}

/** Everything that answers hang on, as text: the flag, its parents, the segments in use, the personas, the mapping. */
function stateOf({ mapping }: FlagFacts, flag: Flag, snapshot: FlagSnapshot, contexts: readonly NamedContext[]): string {
  const parents = (flag.dependencies ?? []).map(({ feature }) => snapshot.flags.get(feature)?.environments);
  // The bulk read does not tell the order's number, and a single read does: the order itself is that of the list.
  const text = JSON.stringify([flag.environments, flag.dependencies, parents, contexts, mapping?.switches.map(({ on, off }) => [on, off]), mapping?.current, mapping?.candidate], (key, value: unknown) => (key === 'sortOrder' ? undefined : value));
  const used = new Set([flag.environments, ...parents].flatMap((environments) => environments ?? []).flatMap(({ strategies }) => strategies.flatMap(({ segments }) => segments)));
  return text + JSON.stringify([...used].map((id) => snapshot.segments.get(id)));
}
