import type * as z from 'zod';
import type { HttpAnswer, HttpClient, HttpRequest } from '../node/httpClient.ts';
import { errorOf, notMlflow, unexpected } from './errors.ts';

const API = '/api/2.0/mlflow';

/** MLflow's REST API: JSON in and out, errors as `AppError`, workspaces by header. */
export class MlflowApi {
  readonly #http: HttpClient;
  readonly #signedIn: boolean;
  readonly #headers: Readonly<Record<string, string>>;

  /** @param signedIn whether the client sends a credential; for the words of a refusal */
  constructor(http: HttpClient, { signedIn, workspace }: { signedIn: boolean; workspace?: string | undefined }) {
    this.#http = http;
    this.#signedIn = signedIn;
    this.#headers = workspace === undefined ? {} : { 'x-mlflow-workspace': workspace };
  }

  get baseUrl(): string {
    return this.#http.baseUrl;
  }

  async read<T extends z.ZodType>(path: string, query: Readonly<Record<string, string | undefined>>, schema: T, signal?: AbortSignal): Promise<z.output<T>> {
    const answer = await this.#send({ method: 'GET', path: `${API}${path}${queryText(query)}`, signal });
    let json: unknown;
    try {
      json = JSON.parse(answer.text);
    } catch (error) {
      throw (answer.headers.get('content-type') ?? '').includes('json') ? unexpected(this.#http.origin, path, error) : notMlflow(this.#http.origin, answer.status);
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw unexpected(this.#http.origin, path, parsed.error);
    return parsed.data;
  }

  /** Never repeated: whether a write arrived whose answer was lost is for the caller to find out. */
  async write(method: 'POST' | 'DELETE', path: string, body: unknown, signal?: AbortSignal): Promise<void> {
    await this.#send({ method, path: `${API}${path}`, body, signal, repeatable: false });
  }

  /** One of a version's files as text. */
  async readArtifact(model: string, version: string, path: string, signal?: AbortSignal): Promise<string> {
    return (await this.#send({ method: 'GET', path: `/model-versions/get-artifact${queryText({ name: model, version, path })}`, headers: { accept: '*/*' }, signal })).text;
  }

  /** Whether the server tells a version of its own, as MLflow does without a sign-in. */
  async isMlflow(signal?: AbortSignal): Promise<boolean> {
    const answer = await this.#http.send({ method: 'GET', path: '/version', signal });
    return answer.status === 200 && /^\d+\.\d+/.test(answer.text);
  }

  notMlflow(): Error {
    return notMlflow(this.#http.origin, 200);
  }

  async #send(request: HttpRequest): Promise<HttpAnswer> {
    const answer = await this.#http.send({ ...request, headers: { ...request.headers, ...this.#headers } });
    const error = errorOf(answer, this.#http.origin, this.#signedIn);
    if (error !== undefined) throw error;
    return answer;
  }
}

function queryText(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
