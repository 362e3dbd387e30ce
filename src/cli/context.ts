import { AppError } from '../core/base/errors.ts';
import { ChangeRunner } from '../core/flags/changeRunner.ts';
import type { WorkspaceConfig, WorkspaceFile } from '../core/workspace/config.ts';
import { checkServerUrl } from '../core/workspace/url.ts';
import { HttpClient } from '../adapters/node/httpClient.ts';
import { sleep } from '../adapters/node/sleep.ts';
import { parseBulk } from '../adapters/unleash/bulk.ts';
import { UnleashClient } from '../adapters/unleash/unleashClient.ts';
import { CONFIGURATION_FILE, readWorkspace } from './configuration.ts';

/** The options of all commands, as they were given. */
export interface CliOptions {
  readonly url?: string | undefined;
  readonly project?: string | undefined;
  readonly flag?: string | undefined;
  readonly environment?: string | undefined;
  readonly percent?: string | undefined;
  readonly segment?: string | undefined;
  readonly set?: string | undefined;
  readonly reason?: string | undefined;
  readonly persona?: string | undefined;
  readonly context?: readonly string[] | undefined;
  readonly 'all-environments'?: boolean | undefined;
  readonly model?: string | undefined;
  readonly registry?: string | undefined;
  readonly contract?: string | undefined;
  readonly version?: string | undefined;
  readonly from?: string | undefined;
  readonly override?: string | undefined;
  readonly name?: string | undefined;
  readonly current?: string | undefined;
  readonly stickiness?: string | undefined;
  readonly json?: boolean | undefined;
  readonly markdown?: boolean | undefined;
  readonly 'dry-run'?: boolean | undefined;
}

/** What a command runs with: nothing in it reads the process by itself. */
export interface CliContext {
  readonly options: CliOptions;
  /** What stands behind the command's name. */
  readonly operands: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly write: (text: string) => void;
  /** Values of the command's own options. */
  readonly own: Readonly<Record<string, unknown>>;
  /** A sentence for the error stream. */
  readonly warn: (sentence: string) => void;
  /** Shows a line that the next one replaces, where somebody looks at a terminal; an empty one takes it away. */
  readonly progress: (line: string) => void;
}

export interface Command {
  readonly name: string;
  /** The command line behind `modelswitch`, and what it does. */
  readonly usage: string;
  readonly summary: string;
  /** Options of its own; they go before those of all commands. */
  readonly options?: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean }>>;
  /** What else its own help says, as sentences. */
  readonly details?: string;
  /** Gives the exit code. */
  run(context: CliContext): Promise<number>;
}

export interface CliTarget {
  readonly client: UnleashClient;
  readonly project: string;
  /** The environment that was asked for, by option or file. */
  readonly environment: string | undefined;
  /** What can be read of the folder's `modelswitch.yaml`, if there is one. */
  readonly config: WorkspaceConfig | undefined;
  /** The same with what is wrong with it: whoever decides by it or raises exposure refuses first (`refuseProblems`). */
  readonly file: WorkspaceFile | undefined;
}

/**
 * The server that a command talks to. The token of UNLEASH_TOKEN goes to `--url` or to UNLEASH_URL, never to an address that
 * only a file names.
 * @throws AppError validation, auth
 */
export async function connectCli(context: CliContext): Promise<CliTarget> {
  const { options, env } = context;
  const file = await readWorkspace(context, context.cwd);
  const config = file?.config;
  const named = config?.unleash?.url;
  const fromEnvironment = env['UNLEASH_URL'] === '' ? undefined : env['UNLEASH_URL'];
  const given = options.url ?? fromEnvironment;
  if (given === undefined || given === '') throw new AppError('validation', noServer(named));
  const baseUrl = serverUrl(given, options.url === undefined ? 'UNLEASH_URL' : '--url');
  if (options.url !== undefined && fromEnvironment !== undefined) refuseOther(baseUrl, serverUrl(fromEnvironment, 'UNLEASH_URL'), '--url');
  if (options.url === undefined && named !== undefined) refuseOther(named, baseUrl, CONFIGURATION_FILE);
  const token = env['UNLEASH_TOKEN'];
  if (token === undefined || token === '') throw new AppError('auth', 'No token: set UNLEASH_TOKEN to a personal access token (in Unleash: Profile > Personal API tokens).');
  const http = new HttpClient({ baseUrl, credentials: { authorization: token }, fetch: (target, init) => fetch(target, init), sleep });
  return {
    client: new UnleashClient(http, (texts) => Promise.resolve(parseBulk(texts))),
    project: options.project ?? config?.unleash?.project ?? 'default',
    environment: options.environment ?? config?.unleash?.environment,
    config,
    file,
  };
}

function noServer(named: string | undefined): string {
  return named === undefined
    ? 'No server: give --url or set UNLEASH_URL.'
    : `${CONFIGURATION_FILE} names ${named}; set UNLEASH_URL to it beside UNLEASH_TOKEN, or give --url, to say that the token is meant for it.`;
}

function serverUrl(written: string, source: string): string {
  const checked = checkServerUrl(written);
  if ('problem' in checked) throw new AppError('validation', `${source} ${checked.problem}.`);
  return checked.url;
}

function refuseOther(wanted: string, meant: string, source: string): void {
  const [origin, allowed] = [new URL(wanted).origin, new URL(meant).origin];
  if (origin === allowed) return;
  throw new AppError('validation', `${source} names ${origin}, but UNLEASH_TOKEN is for ${allowed} (UNLEASH_URL): nothing was sent.`, { reason: 'otherOrigin' });
}

/** @throws AppError validation naming the option that is missing */
export function required(value: string | undefined, option: string, mend = ''): string {
  if (value === undefined || value === '') throw new AppError('validation', `${option} is missing${mend}.`);
  return value;
}

function escaped(character: string): string {
  return character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
}

/** A runner in the name of the token's user. */
export async function runnerFor(client: UnleashClient, signal: AbortSignal): Promise<ChangeRunner> {
  const { id } = await client.readIdentity(signal);
  return new ChangeRunner({ port: client, server: client.baseUrl, userId: () => id, sleep });
}

/** JSON in which nothing stands raw that a terminal obeys or that reorders text. */
export function writeJson(write: (text: string) => void, value: unknown): void {
  const json = JSON.stringify(value, null, 2).replace(/[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu, escaped);
  write(`${json}\n`);
}
