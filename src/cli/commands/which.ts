import { AppError } from '../../core/base/errors.ts';
import { plainLine } from '../../core/base/words.ts';
import { didYouMean } from '../../core/workspace/suggest.ts';
import type { WorkspaceConfig } from '../../core/workspace/config.ts';
import { answersOf, evaluateAll, withComparisons, type NamedAnswer, type Question } from '../../core/personas/ask.ts';
import { answerLines } from '../../core/personas/explain.ts';
import { checkFrontendToken } from '../../core/personas/frontendToken.ts';
import { contextWords, namedContext, type NamedContext } from '../../core/personas/model.ts';
import { FrontendClient } from '../../adapters/frontend/frontendClient.ts';
import { sleep } from '../../adapters/node/sleep.ts';
import { connectCli, required, writeJson, type CliContext, type CliTarget, type Command } from '../context.ts';

/** `key=value` options as one context. */
function contextOption(written: readonly string[]): NamedContext {
  const context = Object.fromEntries(written.map((option): [string, string] => {
    const [, field, value] = /^([^=]+)=(.+)$/s.exec(option) ?? [];
    if (field === undefined || value === undefined) throw new AppError('validation', `--context takes field=value, such as userId=7, not "${plainLine(option)}"; leave a missing field out.`);
    return [field, value];
  }));
  return { name: contextWords(context), context };
}

/** Whom the command line asks for: the named persona, the given context, or every persona of the file. */
function contexts({ options }: CliContext, config: WorkspaceConfig | undefined): readonly NamedContext[] {
  if (options.persona !== undefined && options.context !== undefined) throw new AppError('validation', 'Give --persona or --context, not both.');
  if (options.context !== undefined) return [contextOption(options.context)];
  const personas = config?.personas ?? [];
  if (options.persona === undefined) {
    if (personas.length > 0) return personas.map(namedContext);
    throw new AppError('validation', 'Give --persona NAME or --context field=value; modelswitch.yaml here has no personas.');
  }
  const found = personas.find(({ name }) => name === options.persona);
  if (found !== undefined) return [namedContext(found)];
  const names = personas.map(({ name }) => name);
  const list = names.length === 0 ? ' modelswitch.yaml here has none.' : ` There are: ${names.join(', ')}.`;
  throw new AppError('notFound', plainLine(`There is no persona "${options.persona}".${didYouMean(options.persona, names) || list}`, 400));
}

/** The frontend API of the same server, when a token for it is set. */
function frontend({ env }: CliContext, { client }: CliTarget): FrontendClient[] {
  const written = env['UNLEASH_FRONTEND_TOKEN'];
  if (written === undefined || written === '') return [];
  const token = checkFrontendToken(written);
  if ('problem' in token) throw new AppError('auth', `UNLEASH_FRONTEND_TOKEN: ${token.problem}`);
  return [new FrontendClient({ baseUrl: client.baseUrl, token, fetch: (url, init) => fetch(url, init), sleep })];
}

function jsonOf({ name, answer, comparison }: NamedAnswer): unknown {
  const { context, environment, outcome, arm, version, variant, because, reasons, playground, notes } = answer;
  return { persona: name, context, environment, outcome, arm, version, variant, because, reasons, notes, playground, frontend: comparison };
}

export const which: Command = {
  name: 'which',
  usage: 'which --flag F [--environment E] [--persona P | --context K=V ...]',
  summary: 'which model a persona or context would get, and why',
  async run(context) {
    const { options, signal, write } = context;
    const name = required(options.flag, '--flag');
    const target = await connectCli(context);
    const asked = contexts(context, target.config);
    const evaluators = frontend(context, target);
    const { client, project, config } = target;
    const { flag } = await client.readFlag(project, name, signal);
    const environments = flag.environments.map((each) => each.name).filter((each) => options.environment === undefined || each === options.environment);
    if (environments.length === 0) {
      throw new AppError('notFound', plainLine(`${name} has no environment "${options.environment ?? ''}"; it has ${flag.environments.map((each) => each.name).join(', ')}.`, 400));
    }
    const mapping = config?.models.find(({ switches }) => switches.some((each) => each.flag === name));
    const question: Question = { flag, environments, contexts: asked, mapping };
    const evaluations = await evaluateAll(client, project, [question], undefined, signal);
    const plain = answersOf(question, evaluations);
    const newest = evaluators.length === 0 ? undefined : (await client.readEvents({ flag: name, limit: 1 }, signal)).events[0];
    const newestEventAgeMs = newest === undefined ? undefined : Date.now() - Date.parse(newest.createdAt);
    const answers = evaluators.length === 0 ? plain : await withComparisons(question, plain, evaluations, { evaluators, newestEventAgeMs }, signal);
    if (options.json === true) writeJson(write, { flag: name, answers: answers.map(jsonOf) });
    else for (const each of answers) write(text(each));
    return 0;
  },
};

function text({ name, answer, comparison }: NamedAnswer): string {
  const [first = '', ...rest] = answerLines(answer);
  const lines = [...rest, ...(comparison === undefined ? [] : [`- ${comparison.words}`])];
  return [`${plainLine(name)}  ${first}`, ...lines.map((line) => `  ${line}`), ''].join('\n');
}
