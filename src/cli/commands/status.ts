import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import type { Flag } from '../../core/flags/model.ts';
import { segmentMap } from '../../core/flags/planner.ts';
import { describeRollout, effectiveRollout } from '../../core/flags/rollout.ts';
import { HttpClient } from '../../adapters/node/httpClient.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import { parseBulk } from '../../adapters/unleash/bulk.ts';
import { UnleashClient } from '../../adapters/unleash/unleashClient.ts';

export interface StatusOptions {
  readonly url: string | undefined;
  readonly token: string | undefined;
  readonly project: string;
  readonly flag: string | undefined;
  readonly json: boolean;
  readonly write: (text: string) => void;
}

/** Prints the rollout of every flag, or of one, in every environment. */
export async function status({ url, token, project, flag, json, write }: StatusOptions): Promise<void> {
  const client = unleashClient(url, token);
  const segments = segmentMap(await client.readSegments());
  const flags = flag === undefined
    ? await client.readAllFlags(project, await client.readEnvironments(project))
    : [(await client.readFlag(project, flag)).flag];
  const rows = flags.flatMap((each: Flag) => each.environments.map((environment) => {
    const rollout = effectiveRollout(environment, segments);
    return { flag: each.name, environment: environment.name, on: rollout.on, low: rollout.low, high: rollout.high, rollout: describeRollout(rollout) };
  }));
  if (json) write(`${JSON.stringify(rows, null, 2)}\n`);
  else for (const row of rows) write(`${plainLine(row.flag)}\t${plainLine(row.environment)}\t${plainLine(row.rollout)}\n`);
}

function unleashClient(url: string | undefined, token: string | undefined): UnleashClient {
  const baseUrl = URL.parse(url ?? '');
  if (baseUrl === null) throw new AppError('validation', url === undefined ? 'No server: give --url or set UNLEASH_URL.' : `"${url}" is no URL.`);
  if (token === undefined || token === '') throw new AppError('auth', 'No token: set UNLEASH_TOKEN to a personal access token (in Unleash: Profile > Personal API tokens).');
  const http = new HttpClient({
    baseUrl: `${baseUrl.origin}${baseUrl.pathname.replace(/\/+$/, '')}`,
    credentials: { authorization: token },
    fetch: (target, init) => fetch(target, init),
    sleep,
  });
  return new UnleashClient(http, (texts) => Promise.resolve(parseBulk(texts)));
}
