import * as z from 'zod';
import type { Json } from '../../core/suites/json.ts';
import type { Row } from '../../core/suites/model.ts';
import type { SubjectContent } from '../../core/suites/schema.ts';
import type { Failure, RawAnswer, Subject, VersionState } from '../../core/suites/subject.ts';
import { MLFLOW, jsonTemplate, kserveV2, type WireFormat } from './formats.ts';
import { JsonSender, type Sender } from './httpRequest.ts';
import { excerpt, parseJson } from './json.ts';
import { isLocal, LocalSender } from './localSender.ts';
import { AnswerVersions } from './versions.ts';

export const TIMEOUT_MS = 10_000;
const BATCH_SIZE = 32;
const CONCURRENCY = 8;

const metadataSchema = z.object({ inputs: z.array(z.object({ name: z.string(), datatype: z.string() })).nullish() });

/** A server that answers predictions over HTTP. */
export class HttpSubject implements Subject {
  readonly name: string;
  readonly batchSize: number;
  readonly concurrency: number;
  readonly #content: SubjectContent;
  readonly #url: string;
  readonly #sender: Sender;
  readonly #versions: AnswerVersions;
  #format: WireFormat;

  /** `url`: without credentials and without a trailing slash. */
  constructor(url: string, content: SubjectContent) {
    this.#content = content;
    this.#url = url;
    this.name = url;
    this.#format = content.format === 'json' ? jsonTemplate(content) : content.format === 'kserve-v2' ? kserveV2(content, []) : MLFLOW;
    this.batchSize = this.#format.takesSeveral ? content.batch_size ?? BATCH_SIZE : 1;
    this.concurrency = content.concurrency ?? CONCURRENCY;
    const timeoutMs = content.timeout_ms ?? TIMEOUT_MS;
    this.#sender = isLocal(url) ? new LocalSender(url, timeoutMs) : new JsonSender(url, this.concurrency, timeoutMs);
    // The protocol's answers name the version; other servers' do where the suite says where.
    this.#versions = new AnswerVersions(content.version_from ?? (content.format === 'kserve-v2' ? '$.model_version' : undefined));
  }

  get answerPath(): string {
    return this.#format.answerPath;
  }

  /** The protocol's metadata tell the inputs' types; without them they are taken from the values. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#content.format !== 'kserve-v2') return;
    const path = kserveV2(this.#content, []).path.replace(/\/infer$/, '');
    const answer = await this.#sender.send('GET', `${this.#url}${path}`, undefined, signal);
    if ('failed' in answer || answer.status !== 200) return;
    const metadata = metadataSchema.safeParse(safeJson(answer.text));
    if (metadata.success) this.#format = kserveV2(this.#content, metadata.data.inputs ?? []);
  }

  async predict(rows: readonly Row[], signal: AbortSignal): Promise<readonly RawAnswer[]> {
    const { body, split, path } = this.#format;
    const answer = await this.#sender.send('POST', `${this.#url}${this.#content.path ?? path}`, JSON.stringify(body(rows)), signal);
    const all = (failure: Failure): readonly RawAnswer[] => rows.map(() => failure);
    if ('failed' in answer) return all(answer);
    if (answer.status < 200 || answer.status > 299) return all({ failed: 'status', status: answer.status, message: `The server answered ${answer.status}: ${excerpt(answer.text)}` });
    const document = safeJson(answer.text);
    if (document === undefined) return all({ failed: 'garbage', message: `The answer is not JSON: ${excerpt(answer.text)}` });
    this.#versions.see(document, answer.header);
    const documents = split(document, rows.length);
    return documents === undefined ? all({ failed: 'garbage', message: `The answer does not have one entry for each of ${rows.length} rows: ${excerpt(answer.text)}` }) : documents.map((each) => ({ document: each }));
  }

  version(): VersionState {
    return this.#versions.state();
  }

  close(): Promise<void> {
    this.#sender.close();
    return Promise.resolve();
  }
}

function safeJson(text: string): Json | undefined {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
