import * as z from 'zod';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { HttpClient } from '../node/httpClient.ts';
import type { Sample } from './counters.ts';

/** Prometheus before 2.51 told these among the warnings; they say nothing of missing data. */
const INFO = 'PromQL info';

const value = z.tuple([z.number(), z.string()]);
const answerSchema = z.object({
  status: z.string(),
  error: z.string().nullish(),
  warnings: z.array(z.string()).nullish(),
  infos: z.array(z.string()).nullish(),
  isPartial: z.boolean().nullish(),
  // Some servers say null beside an error.
  data: z.object({ resultType: z.string(), result: z.array(z.object({ metric: z.record(z.string(), z.string()), values: z.array(value).optional(), value: value.optional() })) }).nullish(),
});

/** What a server said beside its numbers. */
export interface Remarks {
  readonly messages: Set<string>;
  /** Why its numbers are not all. */
  incomplete: string | undefined;
}

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly labels: Labels;
  readonly samples: readonly Sample[];
}

/** Questions to a server that speaks Prometheus' HTTP API. */
export class PrometheusClient {
  readonly #http: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(http: HttpClient, headers: Readonly<Record<string, string>>) {
    this.#http = http;
    this.#headers = headers;
  }

  /** @throws AppError auth, forbidden, validation, network */
  async ask(path: 'query' | 'query_range', parameters: Readonly<Record<string, string>>, signal: AbortSignal, remarks: Remarks): Promise<readonly Series[]> {
    const { status, text } = await this.#http.send({ method: 'GET', path: `/api/v1/${path}?${new URLSearchParams(parameters).toString()}`, headers: this.#headers, signal, timeoutMs: 60_000 }).catch((error: unknown) => {
      if (!(error instanceof AppError) || (error.code !== 'network' && error.code !== 'timeout')) throw error;
      throw new AppError(error.code, `${error.message} It is the Prometheus of source.prometheus.url.`, error.data, error);
    });
    if (status === 401 && /no org id/i.test(text)) throw new AppError('auth', `${this.#http.origin} asks for a tenant: add tenant: to source.prometheus in modelswitch.yaml.`);
    if (status === 401) throw new AppError('auth', `${this.#http.origin} asks for a sign-in: set PROMETHEUS_URL to it and PROMETHEUS_TOKEN.`);
    if (status === 403) throw new AppError('forbidden', `${this.#http.origin} refuses the query.`);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new AppError('validation', `${this.#http.origin} does not answer as Prometheus does (status ${status}): check source.prometheus.url.`);
    }
    const parsed = answerSchema.safeParse(json);
    if (!parsed.success) throw new AppError('validation', `${this.#http.origin} does not answer as Prometheus does: check source.prometheus.url.`);
    const { data, error, isPartial, warnings, infos } = parsed.data;
    const inWords = [...warnings ?? [], ...(isPartial === true ? ['the answer is partial'] : [])];
    for (const remark of [...inWords, ...infos ?? []]) remarks.messages.add(`Prometheus: ${plainLine(remark, 200)}`);
    remarks.incomplete ??= inWords.find((remark) => !remark.startsWith(INFO));
    if (data === undefined || data === null) throw new AppError('validation', `Prometheus refuses the query ${plainLine(parameters['query'] ?? '', 200)}: ${plainLine(error ?? `status ${status}`, 300)}`, status === 422 && /samples/i.test(error ?? '') ? { reason: 'tooMany' } : {});
    return data.result.map(({ metric, values, value: single }) => ({ labels: metric, samples: (values ?? (single === undefined ? [] : [single])).map(([seconds, written]): Sample => [seconds, Number(written)]) }));
  }
}
