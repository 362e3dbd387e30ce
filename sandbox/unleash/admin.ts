import * as z from 'zod';

export type Environment = 'development' | 'production';

export interface Constraint {
  contextName: string;
  operator: string;
  values?: string[];
  value?: string;
  inverted?: boolean;
}

export interface Variant {
  name: string;
  /** In thousandths. */
  weight: number;
  weightType?: 'variable' | 'fix';
  stickiness?: string;
  payload?: { type: 'json' | 'string' | 'csv' | 'number'; value: string };
}

/** A strategy as Unleash takes it; what is missing it fills itself (rollout: "100", groupId: the flag's name). */
export interface StrategyInput {
  name: string;
  title?: string;
  disabled?: boolean;
  parameters?: Record<string, string>;
  constraints?: Constraint[];
  /** Ids. */
  segments?: number[];
  variants?: Variant[];
}

export interface FlagInput {
  name: string;
  type?: 'release' | 'experiment' | 'operational' | 'kill-switch' | 'permission';
  description?: string;
}

export interface PatchOperation { op: 'add' | 'remove' | 'replace' | 'test'; path: string; value?: unknown }

const strategySchema = z.object({
  id: z.string(), name: z.string(), title: z.string().nullish(), disabled: z.boolean().nullish(),
  parameters: z.record(z.string(), z.string()), segments: z.array(z.number()).default([]),
});
export type Strategy = z.infer<typeof strategySchema>;
const flagSchema = z.object({
  name: z.string(), description: z.string().nullish(), stale: z.boolean(),
  environments: z.array(z.object({ name: z.string(), enabled: z.boolean(), strategies: z.array(strategySchema) })),
});
export type Flag = z.infer<typeof flagSchema>;
const named = z.object({ id: z.number(), name: z.string() });
const users = z.object({ users: z.array(z.object({ id: z.number(), username: z.string().nullish() })) });
const secret = z.object({ secret: z.string() });
const personalTokens = z.object({ pats: z.array(z.object({ id: z.number(), description: z.string() })) });
const apiTokens = z.object({ tokens: z.array(z.object({ tokenName: z.string(), secret: z.string() })) });
const usage = z.object({ lastHourUsage: z.array(z.object({ environment: z.string(), yes: z.number(), no: z.number() })) });
export type Usage = z.infer<typeof usage>['lastHourUsage'][number];
export type ApiTokenInput = { tokenName: string; type: 'backend' | 'frontend'; environment: Environment };

/** Another answer than 2xx of Unleash. */
export class UnleashAnswer extends Error {
  override readonly name = 'UnleashAnswer';
  readonly status: number;

  constructor(status: number, request: string, body: string) {
    super(`${request}: ${status} ${body.slice(0, 500)}`);
    this.status = status;
  }
}

/** A gradual rollout, sticky by user, in the flag's own group, as all strategies of the sandbox are. */
export function gradual(flag: string, percent: number, more: Omit<StrategyInput, 'name' | 'parameters'> = {}): StrategyInput {
  return { name: 'flexibleRollout', parameters: { rollout: String(percent), stickiness: 'userId', groupId: flag }, ...more };
}

/** Unleash's admin API in the name of one token, as far as seeding and tests need it; the project is `default`. Every method throws UnleashAnswer when refused. */
export class AdminClient {
  private readonly url: string;
  private readonly credential: Record<string, string>;

  /** `token`: an admin token or a personal access token; or the cookie of a session. */
  constructor(url: string, token: string | { cookie: string }) {
    this.url = url;
    this.credential = typeof token === 'string' ? { authorization: token } : token;
  }

  /** Any request; `path` begins behind the origin. Gives the parsed JSON, or undefined for an empty answer. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.url + path, {
      method, headers: { ...this.credential, ...body !== undefined && { 'content-type': 'application/json' } }, ...body !== undefined && { body: JSON.stringify(body) },
    });
    const text = await response.text();
    if (!response.ok) throw new UnleashAnswer(response.status, `${method} ${path}`, text);
    return text === '' || !response.headers.get('content-type')?.includes('json') ? undefined : JSON.parse(text) as unknown;
  }

  /** Whether the token is accepted. */
  async isValid(): Promise<boolean> {
    try {
      await this.request('GET', '/api/admin/user');
      return true;
    } catch (error) {
      if (error instanceof UnleashAnswer && error.status === 401) return false;
      throw error;
    }
  }

  /** The flag with its environments and strategies; undefined when there is none, or an archived one. */
  async flag(name: string): Promise<Flag | undefined> {
    try {
      return flagSchema.parse(await this.request('GET', flagPath(name)));
    } catch (error) {
      if (error instanceof UnleashAnswer && error.status === 404) return undefined;
      throw error;
    }
  }

  async archivedFlags(): Promise<string[]> {
    const answer = await this.request('GET', '/api/admin/search/features?project=IS:default&archived=IS:true&limit=100');
    return z.object({ features: z.array(z.object({ name: z.string() })) }).parse(answer).features.map(({ name }) => name);
  }

  async createFlag(flag: FlagInput): Promise<void> {
    await this.request('POST', '/api/admin/projects/default/features', flag);
  }

  async describe(flag: string, description: string): Promise<void> {
    await this.request('PATCH', flagPath(flag), [{ op: 'replace', path: '/description', value: description }]);
  }

  async tag(flag: string, value: string): Promise<void> {
    await this.request('POST', `/api/admin/features/${encodeURIComponent(flag)}/tags`, { type: 'simple', value });
  }

  async setStale(flag: string): Promise<void> {
    await this.request('POST', '/api/admin/projects/default/stale', { features: [flag], stale: true });
  }

  async archive(flag: string): Promise<void> {
    await this.request('DELETE', flagPath(flag));
  }

  /** Deletes an archived flag for good. */
  async deleteArchived(flag: string): Promise<void> {
    await this.request('POST', '/api/admin/projects/default/delete', { features: [flag] });
  }

  async addParent(child: string, parent: string): Promise<void> {
    await this.request('POST', `${flagPath(child)}/dependencies`, { feature: parent, enabled: true });
  }

  /** On or off. Never on without a strategy: Unleash would add one of 100 %. */
  async switchEnvironment(flag: string, environment: Environment, to: 'on' | 'off'): Promise<void> {
    await this.request('POST', `${flagPath(flag)}/environments/${environment}/${to}`);
  }

  /** Gives the strategy's id. */
  async addStrategy(flag: string, environment: Environment, strategy: StrategyInput): Promise<string> {
    const answer = await this.request('POST', strategiesPath(flag, environment), { constraints: [], segments: [], variants: [], ...strategy });
    return z.object({ id: z.string() }).parse(answer).id;
  }

  async patchStrategy(flag: string, environment: Environment, id: string, operations: PatchOperation[]): Promise<void> {
    await this.request('PATCH', `${strategiesPath(flag, environment)}/${id}`, operations);
  }

  async setRollout(flag: string, environment: Environment, id: string, percent: number, title?: string): Promise<void> {
    await this.patchStrategy(flag, environment, id, [
      { op: 'replace', path: '/parameters/rollout', value: String(percent) },
      ...title === undefined ? [] : [{ op: 'replace' as const, path: '/title', value: title }],
    ]);
  }

  async removeStrategy(flag: string, environment: Environment, id: string): Promise<void> {
    await this.request('DELETE', `${strategiesPath(flag, environment)}/${id}`);
  }

  async segments(): Promise<{ id: number; name: string }[]> {
    return z.object({ segments: z.array(named) }).parse(await this.request('GET', '/api/admin/segments')).segments;
  }

  async createSegment(segment: { name: string; description: string; constraints: Constraint[] }): Promise<number> {
    return named.parse(await this.request('POST', '/api/admin/segments', segment)).id;
  }

  async contextFields(): Promise<string[]> {
    return z.array(z.object({ name: z.string() })).parse(await this.request('GET', '/api/admin/context')).map(({ name }) => name);
  }

  async createContextField(field: { name: string; description: string; legalValues: { value: string; description: string }[] }): Promise<void> {
    await this.request('POST', '/api/admin/context', field);
  }

  async users(): Promise<{ id: number; username?: string | null | undefined }[]> {
    return users.parse(await this.request('GET', '/api/admin/user-admin')).users;
  }

  /** `rootRole`: 1 Admin, 2 Editor, 3 Viewer. */
  async createUser(user: { username: string; name: string; email: string; rootRole: 1 | 2 | 3; password: string }): Promise<void> {
    await this.request('POST', '/api/admin/user-admin', { ...user, sendEmail: false });
  }

  async setPassword(userId: number, password: string): Promise<void> {
    await this.request('POST', `/api/admin/user-admin/${userId}/change-password`, { password });
  }

  /** Makes a personal access token for the session's user, replacing an earlier one of that description. */
  async createPersonalToken(description: string): Promise<string> {
    const { pats } = personalTokens.parse(await this.request('GET', '/api/admin/user/tokens'));
    for (const { id } of pats.filter((token) => token.description === description)) await this.request('DELETE', `/api/admin/user/tokens/${id}`);
    const expiresAt = new Date(Date.now() + 365 * 24 * 3_600_000).toISOString();
    return secret.parse(await this.request('POST', '/api/admin/user/tokens', { description, expiresAt })).secret;
  }

  /** The secret of an SDK token, made when there is none of that name. */
  async apiToken(input: ApiTokenInput): Promise<string> {
    const { tokens } = apiTokens.parse(await this.request('GET', '/api/admin/api-tokens'));
    const existing = tokens.find(({ tokenName }) => tokenName === input.tokenName);
    return existing?.secret ?? secret.parse(await this.request('POST', '/api/admin/api-tokens', { ...input, projects: ['default'] })).secret;
  }

  /** How often SDKs got yes and no in the last hour, per environment. */
  async usage(flag: string): Promise<Usage[]> {
    return usage.parse(await this.request('GET', `/api/admin/client-metrics/features/${encodeURIComponent(flag)}`)).lastHourUsage;
  }
}

/** Logs in with a password (at most ten times a minute) and gives a client of that session. */
export async function logIn(url: string, username: string, password: string): Promise<AdminClient> {
  const response = await fetch(`${url}/auth/simple/login`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ username, password }) });
  const text = await response.text();
  if (!response.ok) throw new UnleashAnswer(response.status, 'POST /auth/simple/login', text);
  return new AdminClient(url, { cookie: response.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ') });
}

const flagPath = (flag: string): string => `/api/admin/projects/default/features/${encodeURIComponent(flag)}`;
const strategiesPath = (flag: string, environment: Environment): string => `${flagPath(flag)}/environments/${environment}/strategies`;
