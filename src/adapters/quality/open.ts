import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { CollectorOptions } from '../../core/quality/collector.ts';
import type { QualityDefinition } from '../../core/quality/definitions.ts';
import type { QualitySource } from '../../core/quality/window.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { CachePlace } from '../node/diskCache.ts';
import { HttpClient, type FetchLike } from '../node/httpClient.ts';
import { sleep } from '../node/sleep.ts';
import { LogSource } from '../predictionLog/logSource.ts';
import { PrometheusSource } from '../prometheus/prometheusSource.ts';
import { ExecSource } from './execSource.ts';

export interface OpenOptions extends CollectorOptions {
  /** The folder of modelswitch.yaml. */
  readonly folder: string;
  /** What Prometheus' windows are called. */
  readonly environment: string;
  readonly fetch: FetchLike;
  /** Headers for an origin, if there are any that are meant for it. */
  readonly credentialsFor: (origin: string) => Readonly<Record<string, string>>;
  /** Where what was counted of a log may be kept; without it nowhere. */
  readonly cache?: CachePlace | undefined;
}

/** Beside what was built; sources that run as they are read in one thread. */
const STAGING = join(import.meta.dirname, 'quality.worker.cjs');

const NO_SOURCE = 'quality names no source: add source: {log: logs/predictions-*.jsonl}.';

/** What a model's quality is, which must name where observations come from. @throws AppError validation with the line of the model */
export function qualityOf({ name, quality, range }: ModelMapping): QualityDefinition {
  if (quality === undefined) throw new AppError('validation', `${plainLine(name, 40)} has no quality: in modelswitch.yaml.`);
  if (quality.source === undefined) throw new AppError('validation', `modelswitch.yaml:${range.start.line + 1}: ${plainLine(name, 40)}: ${NO_SOURCE}`);
  return quality;
}

/** The source that a definition names. A new kind of source is one line here. @throws AppError validation when it names none */
export function openQualitySource(definition: QualityDefinition, options: OpenOptions): QualitySource {
  const { source } = definition;
  switch (source?.kind) {
    case 'log': return new LogSource({ ...options, definition, threads: existsSync(STAGING) ? { script: STAGING } : undefined });
    case 'exec': return new ExecSource(source.command, options.folder, definition.metrics, options.roles);
    case 'prometheus': {
      const baseUrl = source.prometheus.url.replace(/\/+$/, '');
      if (!URL.canParse(baseUrl)) throw new AppError('validation', 'source.prometheus.url is no address: write it with its scheme, such as http://localhost:9090.');
      return new PrometheusSource(new HttpClient({ baseUrl, credentials: options.credentialsFor(new URL(baseUrl).origin), fetch: options.fetch, sleep }), source.prometheus, definition, options.environment);
    }
    case undefined: throw new AppError('validation', NO_SOURCE);
  }
}
