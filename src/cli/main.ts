import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { toAppError } from '../core/base/errors.ts';
import { plainLine } from '../core/base/words.ts';
import { didYouMean } from '../core/workspace/suggest.ts';
import { parsedArguments } from './arguments.ts';
import { kill, promote, repin, weights } from './commands/changes.ts';
import { complete, keep, ship, timeline } from './commands/endings.ts';
import { history, rollout, status, whoami } from './commands/reading.ts';
import { guard } from './commands/guard.ts';
import { lineage } from './commands/lineage.ts';
import { lock } from './commands/lock.ts';
import { check, compare, models } from './commands/models.ts';
import { drift, quality, shadow } from './commands/quality.ts';
import { advance, approve, rearm, release } from './commands/release.ts';
import { safeDefault } from './commands/safeDefault.ts';
import { scan } from './commands/scan.ts';
import { segment } from './commands/segment.ts';
import { start } from './commands/start.ts';
import { rollback, undo } from './commands/takeBack.ts';
import { test } from './commands/test.ts';
import { which } from './commands/which.ts';
import type { CliOptions, Command } from './context.ts';
import { exitCode, INTERRUPTED } from './exitCodes.ts';
import { endQuietlyWithReader } from './output.ts';

const COMMANDS: readonly Command[] = [
  status, rollout, history, whoami, start, release, advance, approve, guard, rearm, complete, ship, keep, timeline, promote, weights, rollback, undo, kill, repin, safeDefault, segment, which, scan, models, compare, lineage, lock, check, test, quality, drift, shadow,
];

const OPTIONS = {
  url: { type: 'string' },
  project: { type: 'string' },
  flag: { type: 'string' },
  environment: { type: 'string' },
  percent: { type: 'string' },
  segment: { type: 'string' },
  set: { type: 'string' },
  reason: { type: 'string' },
  persona: { type: 'string' },
  context: { type: 'string', multiple: true },
  model: { type: 'string' },
  registry: { type: 'string' },
  contract: { type: 'string' },
  version: { type: 'string' },
  from: { type: 'string' },
  override: { type: 'string' },
  name: { type: 'string' },
  current: { type: 'string' },
  stickiness: { type: 'string' },
  'all-environments': { type: 'boolean' },
  json: { type: 'boolean' },
  markdown: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

const USAGE_ERROR = 2;
const WIDEST = Math.max(...COMMANDS.map(({ name }) => name.length));

function usage(): string {
  const lines = COMMANDS.map(({ name, summary }) => `  ${name.padEnd(WIDEST)}  ${summary}`);
  return `modelswitch - release machine-learning models through Unleash feature flags

${lines.join('\n')}

\`modelswitch COMMAND --help\` tells a command's options, \`modelswitch --version\`
which version this is. Most commands take these:
  --url URL, --project NAME  the Unleash server (default: UNLEASH_URL), project
  --reason TEXT              goes into the strategy's title
  --registry R               an MLflow address, a registry file or an mlflow.db
  --json, --markdown         for machines, for reports; --dry-run writes nothing

The token is read from UNLEASH_TOKEN, a personal access token.
Exit: 0 done, 1 failed, 2 usage, 3 not permitted, 4 conflict, 5 unreachable,
6 blocked by a gate. guard has codes of its own (10 to 13).
`;
}

function commandUsage({ usage: line, summary, details }: Command): string {
  return [`modelswitch ${line}`, summary, ...details === undefined ? [] : [details]].join('\n    ') + '\n';
}

/** Of the package that this program stands in. */
function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as { readonly version: string };
  return version;
}

async function run(argv: readonly string[], signal: AbortSignal): Promise<number> {
  // With a value, --version is an option of commands.
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${ownVersion()}\n`);
    return 0;
  }
  const own = COMMANDS.find((candidate) => candidate.name === argv[0])?.options ?? {};
  const { values, positionals } = parsedArguments(argv, { ...OPTIONS, ...own });
  const [name, ...operands] = positionals;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (values.help === true) {
    process.stdout.write(command === undefined ? usage() : commandUsage(command));
    return 0;
  }
  if (command === undefined) {
    if (name === undefined) process.stderr.write(usage());
    else warn(`There is no command ${plainLine(name)}.${didYouMean(name, COMMANDS.map((each) => each.name))} \`modelswitch --help\` lists them.`);
    return USAGE_ERROR;
  }
  const shared = Object.fromEntries(Object.entries(values).filter(([option]) => !Object.hasOwn(own, option))) as CliOptions;
  return command.run({
    options: shared, own: values, operands, env: process.env, cwd: process.cwd(), signal,
    write: (text) => process.stdout.write(withoutControls(text)), warn, progress,
  });
}

function warn(sentence: string): void {
  process.stderr.write(`modelswitch: ${plainLine(sentence, 5000)}\n`);
}

function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${plainLine(line, Math.max(20, process.stderr.columns - 1))}`);
}

/** The last guard of a terminal: whatever a command prints, only line ends and tabs are obeyed. */
function withoutControls(text: string): string {
  return text.replace(/(?![\n\t])\p{Cc}/gu, ' ');
}

function failed(thrown: unknown): number {
  const error = toAppError(thrown);
  process.stderr.write(`modelswitch: ${plainLine(error.message, 1000)}\n`);
  return exitCode(error);
}

endQuietlyWithReader([process.stdout, process.stderr], (error) => (process.exitCode = failed(error)));
const interrupt = new AbortController();
let interrupted: number = INTERRUPTED;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const code = 128 + constants.signals[signal];
  process.once(signal, () => {
    if (!interrupt.signal.aborted) interrupted = code;
    interrupt.abort();
    // Who says it twice does not wait for an orderly end; what was started ends all the same.
    process.once(signal, () => process.exit(code));
  });
}
void run(process.argv.slice(2), interrupt.signal).catch(failed).then((code) => {
  // A change that was finished all the same, or a finding, keeps its own code.
  if (code === INTERRUPTED) process.exitCode = interrupted;
  else process.exitCode ||= code;
});
