import { parseArgs, type ParseArgsConfig } from 'node:util';
import { AppError } from '../core/base/errors.ts';
import { plainLine } from '../core/base/words.ts';
import { didYouMean } from '../core/workspace/suggest.ts';
import type { CliContext, CliOptions } from './context.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** What stands on a command line. @throws AppError validation where an option is none, or has no value */
export function parsedArguments<T extends Options>(argv: readonly string[], options: T): ReturnType<typeof parseArgs<{ args: string[]; allowPositionals: true; options: T }>> {
  try {
    return parseArgs({ args: [...argv], allowPositionals: true, options });
  } catch (error) {
    // What is wrong with an option is a TypeError with a code of this kind.
    if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS')) throw error;
    const unknown = error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' ? /'(-[^']*)'/.exec(error.message)?.[1] : undefined;
    throw new AppError('validation', unknown === undefined ? plainLine(error.message, 1000) : `There is no option ${plainLine(unknown)}.${didYouMean(unknown, Object.keys(options).map((name) => `--${name}`))}`);
  }
}

/**
 * Refuses what a command does not go by: who gives it means something by it. `command`: its name, and in words the options by which it does something else.
 * @throws AppError validation
 */
export function refuseOthers({ options, operands }: CliContext, command: string, known: readonly (keyof CliOptions)[]): void {
  const [operand] = operands;
  if (operand !== undefined) throw new AppError('validation', `${command} takes no "${plainLine(operand)}"; a model is named by --model.`);
  const other = (Object.keys(options) as (keyof CliOptions)[]).find((name) => options[name] !== undefined && !known.includes(name));
  if (other !== undefined) throw new AppError('validation', `${command} does not go by --${other}: leave it out. \`modelswitch ${command.split(' ')[0] ?? ''} --help\` tells its options.`);
  if (options.json === true && options.markdown === true) throw new AppError('validation', 'Give --json or --markdown, not both.');
}
