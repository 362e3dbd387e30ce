import type * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import type { FlagCreator } from '../../core/flags/createFlag.ts';
import type { FlagArchiver } from '../../core/flags/archive.ts';
import type { Constraint, Flag, Segment, Strategy } from '../../core/flags/model.ts';
import type {
  EnvironmentInfo, EventPage, EventPoll, EventQuery, FlagBulkReader, FlagDetail, FlagWriter, Identity, NewStrategy, SegmentPoll, ServerInfo, StrategyRef,
} from '../../core/flags/ports.ts';
import { sameStrategy } from '../../core/flags/compare.ts';
import type { ProjectDefaultPort, ProjectDefaults } from '../../core/flags/projectDefault.ts';
import type { ExposureCount } from '../../core/releases/findings.ts';
import type { AskedPoll, ServerNotesReader } from '../../core/flags/serverNotes.ts';
import type { ContextField, Evaluation, EvaluationQuery, FlagEvaluator } from '../../core/personas/model.ts';
import type { HttpAnswer, HttpClient, HttpRequest } from '../node/httpClient.ts';
import type { BulkParser } from './bulk.ts';
import { errorOf, notUnleash } from './errors.ts';
import { askedFlags, event, exposureCounts, flagDetail, projectDefaults, segments, strategy } from './normalise.ts';
import { contextFields, evaluate } from './playground.ts';
import { strategyPatch, wireConstraint, wireNewStrategy } from './patch.ts';
import { wireEnvironments, wireEvents, wireExposures, wireFeatureTypes, wireFlagDetail, wireProjectOverview, wireSegments, wireStrategy, wireUiConfig, wireUnknownFlags, wireUser } from './wire.ts';

/** Environments x flags x contexts that one playground request may ask for; Unleash refuses more. */
const PLAYGROUND_LIMIT = 15_000;

/** Unleash's Admin API, as far as Modelswitch uses it. Every failure is an `AppError`. */
export class UnleashClient implements FlagBulkReader, FlagWriter, FlagArchiver, FlagCreator, ServerNotesReader, ProjectDefaultPort, FlagEvaluator {
  readonly #http: HttpClient;
  readonly #parseBulk: BulkParser;
  #clockOffset = 0;

  constructor(http: HttpClient, parseBulk: BulkParser) {
    this.#http = http;
    this.#parseBulk = parseBulk;
  }

  /** By how many milliseconds the server's clock is ahead of this machine's, as its last answer had it; it tells whole seconds. */
  get clockOffset(): number {
    return this.#clockOffset;
  }

  get origin(): string {
    return this.#http.origin;
  }

  get baseUrl(): string {
    return this.#http.baseUrl;
  }

  async readIdentity(signal?: AbortSignal): Promise<Identity> {
    const { user, permissions } = await this.#read('/user', wireUser, signal);
    const id = user.id ?? user.internalAdminTokenUserId;
    if (id === null || id === undefined) throw unexpected(this.origin, 'who the token belongs to', undefined);
    return {
      id,
      name: firstNonEmpty(user.email, user.username, user.name) ?? `user ${id}`,
      permissions: permissions.map(({ permission, project, environment }) => ({
        permission,
        ...(project === null || project === undefined ? {} : { project }),
        ...(environment === null || environment === undefined ? {} : { environment }),
      })),
    };
  }

  async readServer(signal?: AbortSignal): Promise<ServerInfo> {
    const config = await this.#read('/ui-config', wireUiConfig, signal);
    const enterprise = config.versionInfo?.current.enterprise ?? '';
    return { version: config.version, edition: enterprise === '' ? 'open source' : 'enterprise', maintenance: config.maintenanceMode ?? false };
  }

  async readEnvironments(project: string, signal?: AbortSignal): Promise<readonly EnvironmentInfo[]> {
    const { environments } = await this.#read(`/environments/project/${segment(project)}`, wireEnvironments, signal);
    return environments.filter(({ visible }) => visible !== false).map(({ name, type, enabled }) => ({ name, type, enabled }));
  }

  /** Every flag of a project with its strategies: the flag list and as many playground requests as its limit asks for. */
  async readAllFlags(project: string, environments: readonly EnvironmentInfo[], signal?: AbortSignal): Promise<readonly Flag[]> {
    const listAnswer = await this.#get(`/projects/${segment(project)}/features`, signal);
    const count = flagCount(listAnswer.text);
    const perRequest = Math.max(1, Math.floor(PLAYGROUND_LIMIT / Math.max(1, count)));
    const playgrounds: string[] = [];
    for (let start = 0; count > 0 && start < environments.length; start += perRequest) {
      const names = environments.slice(start, start + perRequest).map(({ name }) => name);
      const body = { environments: names, projects: [project], context: { appName: 'modelswitch' } };
      playgrounds.push((await this.#send({ method: 'POST', path: '/api/admin/playground/advanced', body, repeatable: true, signal })).text);
    }
    try {
      return await this.#parseBulk({ list: listAnswer.text, playgrounds, environments });
    } catch (error) {
      throw unexpected(this.origin, 'the list of flags', error);
    }
  }

  async readFlag(project: string, name: string, signal?: AbortSignal): Promise<FlagDetail> {
    return flagDetail(await this.#read(featurePath(project, name), wireFlagDetail, signal));
  }

  async readSegments(signal?: AbortSignal): Promise<readonly Segment[]> {
    return segments(await this.#read('/segments', wireSegments, signal));
  }

  async readEvents(query: EventQuery, signal?: AbortSignal): Promise<EventPage> {
    const { events, total } = await this.#read(eventsPath(query), wireEvents, signal);
    return { events: events.map(event), total };
  }

  async pollEvents(limit: number, etag: string | undefined, signal?: AbortSignal): Promise<EventPoll> {
    const answer = await this.#get(eventsPath({ limit }), signal, conditional(etag));
    if (answer.status === 304) return { changed: false };
    const { events, total } = this.#parse(answer, wireEvents, 'the event log');
    return { changed: true, page: { events: events.map(event), total }, etag: answer.headers.get('etag') ?? undefined };
  }

  async pollSegments(etag: string | undefined, signal?: AbortSignal): Promise<SegmentPoll> {
    const answer = await this.#get('/segments', signal, conditional(etag));
    if (answer.status === 304) return { changed: false };
    return { changed: true, segments: segments(this.#parse(answer, wireSegments, 'the segments')), etag: answer.headers.get('etag') ?? undefined };
  }

  /** Through the playground, whose reckoning differs from the SDKs' in a few known cases: see `answerOf`. */
  evaluate(query: EvaluationQuery, signal?: AbortSignal): Promise<readonly Evaluation[]> {
    return this.#shaped('the playground', () => evaluate(query, async (path, body) => {
      const { text } = await this.#send({ method: 'POST', path: `/api/admin${path}`, body, repeatable: true, signal });
      return JSON.parse(text) as unknown;
    }));
  }

  readContextFields(signal?: AbortSignal): Promise<readonly ContextField[]> {
    return this.#shaped('the context fields', async () => contextFields(JSON.parse((await this.#get('/context', signal)).text)));
  }

  async patchStrategy(ref: StrategyRef, from: Strategy, to: Strategy, signal?: AbortSignal): Promise<void> {
    const path = `${strategiesPath(ref)}/${segment(ref.strategyId)}`;
    const answer = await this.#get(path, signal);
    const current = strategy(this.#parse(answer, wireStrategy, 'the strategy'));
    if (!sameStrategy(current, from)) {
      throw new AppError('conflict', 'Somebody changed the strategy since it was read; nothing was written.', { reason: 'compareAndSet' });
    }
    // The test operation holds the server's own document, with fields that this version of Modelswitch does not know.
    const body = strategyPatch(JSON.parse(answer.text), from, to);
    await this.#write({ method: 'PATCH', path, body, signal });
  }

  async addStrategy(ref: Omit<StrategyRef, 'strategyId'>, added: NewStrategy, signal?: AbortSignal): Promise<void> {
    await this.#write({ method: 'POST', path: strategiesPath(ref), body: wireNewStrategy(added), signal });
  }

  async removeStrategy(ref: StrategyRef, signal?: AbortSignal): Promise<void> {
    await this.#write({ method: 'DELETE', path: `${strategiesPath(ref)}/${segment(ref.strategyId)}`, signal });
  }

  async orderStrategies(ref: Omit<StrategyRef, 'strategyId'>, ids: readonly string[], signal?: AbortSignal): Promise<void> {
    const body = ids.map((id, sortOrder) => ({ id, sortOrder }));
    await this.#write({ method: 'POST', path: `${strategiesPath(ref)}/set-sort-order`, body, signal });
  }

  async setEnvironmentEnabled(ref: Omit<StrategyRef, 'strategyId'>, enabled: boolean, signal?: AbortSignal): Promise<void> {
    await this.#write({ method: 'POST', path: `${environmentPath(ref)}/${enabled ? 'on' : 'off'}`, signal });
  }

  async readProjectDefaults(project: string, signal?: AbortSignal): Promise<ProjectDefaults> {
    return projectDefaults(await this.#read(`/projects/${encodeURIComponent(project)}/overview`, wireProjectOverview, signal));
  }

  async writeProjectDefault(project: string, environment: string, added: NewStrategy, signal?: AbortSignal): Promise<void> {
    const path = `/projects/${encodeURIComponent(project)}/environments/${encodeURIComponent(environment)}/default-strategy`;
    await this.#write({ method: 'POST', path, body: wireNewStrategy(added), signal });
  }

  async archiveFlag(project: string, name: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#write({ method: 'DELETE', path: featurePath(project, name), signal });
    } catch (thrown) {
      // A lacking permission is a 403 as well; it names the permission.
      const refused = thrown instanceof AppError && thrown.code === 'forbidden' && thrown.data['permission'] === undefined;
      if (!refused) throw thrown;
      throw new AppError('conflict', `"${name}" cannot be archived while other flags depend on it: remove those dependencies first.`, { reason: 'children' }, thrown);
    }
  }

  /** Unleash answers a name that is illegal with 400, one that is taken with 409; which of a project's patterns it breaks stands in the message. */
  async checkFlagName(project: string, name: string, signal?: AbortSignal): Promise<void> {
    await this.#send({ method: 'POST', path: '/api/admin/features/validate', body: { name, projectId: project }, repeatable: true, signal });
  }

  async createFlag(project: string, flag: { readonly name: string; readonly type: string; readonly description: string }, signal?: AbortSignal): Promise<void> {
    await this.#write({ method: 'POST', path: `/projects/${segment(project)}/features`, body: flag, signal });
  }

  async createSegment({ name, description, constraints }: { readonly name: string; readonly description: string; readonly constraints: readonly Constraint[] }, signal?: AbortSignal): Promise<void> {
    await this.#write({ method: 'POST', path: '/segments', body: { name, description, constraints: constraints.map(wireConstraint) }, signal });
  }

  async pollAskedFlags(etag: string | undefined, signal?: AbortSignal): Promise<AskedPoll> {
    const answer = await this.#get('/metrics/unknown-flags', signal, conditional(etag));
    if (answer.status === 304) return { changed: false };
    return { changed: true, flags: askedFlags(this.#parse(answer, wireUnknownFlags, 'the unknown flags')), etag: answer.headers.get('etag') ?? undefined };
  }

  /** How often each application was told what, hour by hour, for the two days that Unleash keeps. */
  async readExposures(flag: string, signal?: AbortSignal): Promise<readonly ExposureCount[]> {
    return exposureCounts(await this.#read(`/client-metrics/features/${segment(flag)}/raw?hoursBack=48`, wireExposures, signal));
  }

  async readLifetimes(signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const { types } = await this.#read('/feature-types', wireFeatureTypes, signal);
    return new Map(types.flatMap(({ id, lifetimeDays }) => (lifetimeDays === null || lifetimeDays === undefined ? [] : [[id, lifetimeDays] as const])));
  }

  async #read<T extends z.ZodType>(path: string, schema: T, signal?: AbortSignal): Promise<z.output<T>> {
    return this.#parse(await this.#get(path, signal), schema, path);
  }

  /** Runs what reads an answer: one that is no JSON, or of another shape, is the server's mistake. */
  async #shaped<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw error instanceof AppError ? error : unexpected(this.origin, what, error);
    }
  }

  #get(path: string, signal?: AbortSignal, headers: Record<string, string> = {}): Promise<HttpAnswer> {
    return this.#send({ method: 'GET', path: `/api/admin${path}`, headers, signal });
  }

  async #write(request: Omit<HttpRequest, 'repeatable'>): Promise<void> {
    await this.#send({ ...request, path: `/api/admin${request.path}`, repeatable: false });
  }

  async #send(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#http.send(request);
    const told = Date.parse(answer.headers.get('date') ?? '');
    if (!Number.isNaN(told)) this.#clockOffset = told - Date.now();
    const error = errorOf(answer, this.origin);
    if (error !== undefined) throw error;
    return answer;
  }

  #parse<T extends z.ZodType>(answer: HttpAnswer, schema: T, what: string): z.output<T> {
    let json: unknown;
    try {
      json = JSON.parse(answer.text);
    } catch (error) {
      const type = answer.headers.get('content-type') ?? '';
      throw type.includes('json') ? unexpected(this.origin, what, error) : notUnleash(this.origin, answer.status);
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw unexpected(this.origin, what, parsed.error);
    return parsed.data;
  }
}

/** Without a `cache-control` of ours fetch adds `no-cache` to a conditional request, and the server answers in full. */
function conditional(etag: string | undefined): Record<string, string> {
  return etag === undefined ? {} : { 'if-none-match': etag, 'cache-control': 'max-age=0' };
}

function unexpected(origin: string, what: string, cause: unknown): AppError {
  return new AppError('validation', `${origin} sent an answer that cannot be read (${what}): it may be cut off, or this Unleash version may not be supported.`, { origin, reason: 'shape' }, cause);
}

/** The number of flags, without parsing megabytes on this thread: each has one `"name"` and one `"createdAt"`. */
function flagCount(listText: string): number {
  return listText.split('"createdAt":').length - 1;
}

function firstNonEmpty(...values: readonly (string | null | undefined)[]): string | undefined {
  return values.find((value): value is string => value !== null && value !== undefined && value !== '');
}

/**
 * One part of a path. A half of a character cannot be encoded, and `.` and `..` would address something else, also as `%2e`.
 * @throws AppError validation for these two
 */
function segment(name: string): string {
  if (name === '.' || name === '..') throw new AppError('validation', `Nothing in Unleash can be called "${name}": check the name.`, { reason: 'name' });
  return encodeURIComponent(name.replace(/\p{Cs}/gu, '\ufffd'));
}

function featurePath(project: string, flag: string): string {
  return `/projects/${segment(project)}/features/${segment(flag)}`;
}

function environmentPath(ref: Omit<StrategyRef, 'strategyId'>): string {
  return `${featurePath(ref.project, ref.flag)}/environments/${segment(ref.environment)}`;
}

function strategiesPath(ref: Omit<StrategyRef, 'strategyId'>): string {
  return `${environmentPath(ref)}/strategies`;
}

function eventsPath({ flag, types, limit, offset }: EventQuery): string {
  const query = new URLSearchParams({ limit: String(limit) });
  if (types !== undefined) query.set('type', `IS_ANY_OF:${types.join(',')}`);
  if (flag !== undefined) query.set('feature', `IS:${flag}`);
  if (offset !== undefined) query.set('offset', String(offset));
  return `/search/events?${query.toString()}`;
}
