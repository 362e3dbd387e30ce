import { parseArgs } from 'node:util';
import { toAppError, type AppError, type ErrorCode } from '../core/base/errors.ts';
import { status } from './commands/status.ts';

const USAGE = `modelswitch - release machine-learning models through Unleash feature flags

  modelswitch status [--flag NAME]   the rollout of every flag, or of one

  --url URL            the Unleash server (default: UNLEASH_URL)
  --project NAME       default: default
  --json               machine-readable output
  -h, --help           this text

The token is read from UNLEASH_TOKEN (a personal access token), never from the command line.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in or not permitted.
`;

const EXIT_CODES: Record<ErrorCode, number> = {
  auth: 3, forbidden: 3, validation: 2, notFound: 1, conflict: 1, rateLimited: 1, network: 1, timeout: 1, cancelled: 1, internal: 1,
};

async function run(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      url: { type: 'string' },
      project: { type: 'string' },
      flag: { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command] = positionals;
  if (values.help === true) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (command !== 'status') {
    process.stderr.write(command === undefined ? USAGE : `modelswitch: unknown command "${command}".\n\n${USAGE}`);
    return 2;
  }
  await status({
    url: values.url ?? process.env['UNLEASH_URL'],
    token: process.env['UNLEASH_TOKEN'],
    project: values.project ?? 'default',
    flag: values.flag,
    json: values.json ?? false,
    write: (text) => process.stdout.write(text),
  });
  return 0;
}

function fail(error: AppError): number {
  process.stderr.write(`modelswitch: ${error.message}\n`);
  return EXIT_CODES[error.code];
}

run(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (thrown: unknown) => {
    // parseArgs says what is wrong with an option by a TypeError with a code of this kind.
    const isUsage = thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
    if (isUsage) process.stderr.write(`modelswitch: ${thrown.message}\n`);
    process.exitCode = isUsage ? 2 : fail(toAppError(thrown));
  },
);
