import { createHash } from 'node:crypto';
import { recordScope } from '../../core/releases/armVariants.ts';
import type { ChangeRunner } from '../../core/flags/changeRunner.ts';
import type { QualitySource } from '../../core/quality/window.ts';
import type { GateConfig, GatePorts } from '../../core/releases/gates.ts';
import type { ReleasePorts } from '../../core/releases/releaseReader.ts';
import type { ModelMapping } from '../../core/workspace/config.ts';
import type { FetchLike } from '../node/httpClient.ts';
import { openQualitySource, qualityOf } from '../quality/open.ts';
import type { UnleashClient } from '../unleash/unleashClient.ts';
import type { WatchedReadings } from './watchedReadings.ts';

/** What reads a release on this machine. */
export interface ReleaseSources {
  readonly client: Pick<UnleashClient, 'readExposures' | 'clockOffset'>;
  readonly runner: Pick<ChangeRunner, 'read'>;
  readonly project: string;
  readonly config: GateConfig;
  readonly gates: GatePorts;
  /** The folder of modelswitch.yaml. */
  readonly folder: string;
  readonly fetch: FetchLike;
  readonly credentialsFor: (origin: string) => Readonly<Record<string, string>>;
  /** Opens a source elsewhere, such as in a thread; by default it is read in this one. */
  readonly openSource?: (model: ModelMapping, environment: string) => QualitySource;
  /** Spares a watch requests; without it every look reads all. */
  readonly watched?: WatchedReadings | undefined;
}

/** A server whose clock is this near tells whole seconds only: the difference is none. */
const SAME_CLOCK_MS = 2000;

/** The ports of a `ReleaseReader`; `dispose` lets go of the sources that were opened. */
export function releasePorts(sources: ReleaseSources): ReleasePorts & { readonly dispose: () => void } {
  const { client, runner, project, config, gates, watched } = sources;
  const opened = new Map<string, QualitySource>();
  const open = (model: ModelMapping): QualitySource => {
    const known = opened.get(model.name);
    if (known !== undefined) return known;
    const environment = model.plan?.at(-1)?.environment ?? '';
    const source = sources.openSource?.(model, environment) ?? openHere(sources, model, environment);
    opened.set(model.name, source);
    return source;
  };
  return {
    config, gates,
    readFlag: (flag, signal) => (watched === undefined ? runner.read(project, flag, signal) : watched.read(flag, signal)),
    readExposures: (flag, signal) => (watched === undefined ? client.readExposures(flag, signal) : watched.exposures(flag, signal)),
    readQuality: async (model, now, signal, { since, from } = {}) => {
      const data = await open(model).read({ now, since, from, signal: signal ?? new AbortController().signal });
      for (const { flag } of model.switches) watched?.heard(flag, data.arms);
      return data;
    },
    now: () => Date.now() + (Math.abs(client.clockOffset) > SAME_CLOCK_MS ? client.clockOffset : 0),
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    dispose: () => {
      for (const source of opened.values()) source.dispose();
      opened.clear();
    },
  };
}

function openHere({ folder, fetch, credentialsFor }: ReleaseSources, model: ModelMapping, environment: string): QualitySource {
  return openQualitySource(qualityOf(model), { folder, ...recordScope(model), environment, fetch, credentialsFor });
}
