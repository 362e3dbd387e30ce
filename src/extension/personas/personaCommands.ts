import * as vscode from 'vscode';
import { AppError, toAppError } from '../../core/base/errors.ts';
import { DisposableStore, type Disposable } from '../../core/base/events.ts';
import { plainLine } from '../../core/base/words.ts';
import { answersOf, evaluateAll, withComparisons, type NamedAnswer, type Question } from '../../core/personas/ask.ts';
import { answerWords } from '../../core/personas/explain.ts';
import { contextKey, contextWords, type EvaluationContext, type NamedContext } from '../../core/personas/model.ts';
import { trusted } from '../connection/connectionCommands.ts';
import type { Connections } from '../connection/connections.ts';
import type { FlagRef } from '../flags/changeFlow.ts';
import { environmentNames, flagFacts } from '../flags/facts.ts';
import { resolveRef, type FlagUnderCursor } from '../flags/flagCommands.ts';
import { Command } from '../ids.ts';
import { showError } from '../platform/errors.ts';
import type { AnswerDocuments, Shown } from './answerDocuments.ts';
import { pickContext } from './contextPick.ts';
import { frontendClients, setFrontendToken, type FrontendParts } from './frontendAccess.ts';
import type { PersonaStore } from './personaStore.ts';
import { saveAsPersona } from './savePersona.ts';

export interface PersonaCommandParts extends FrontendParts {
  readonly connections: Connections;
  readonly store: PersonaStore;
  readonly documents: AnswerDocuments;
  /** Keeps the contexts that were asked for last. */
  readonly memory: vscode.Memento;
  readonly flagUnderCursor: FlagUnderCursor;
}

const RECENT_KEY = 'modelswitch.recentContexts';
const MOST_RECENT = 5;
const SAVE = 'Save as Persona...';

export function registerPersonaCommands(parts: PersonaCommandParts): Disposable {
  const commands = new DisposableStore();
  const register = (id: string, context: string, run: (argument: unknown) => Promise<void>): void => {
    commands.add(vscode.commands.registerCommand(id, (argument: unknown) => trusted(() => run(argument)).catch((error: unknown) => showError(parts.log, context, error))));
  };
  register(Command.whichModel, 'Which model', (argument) => whichModel(parts, argument));
  register(Command.setFrontendToken, 'Set frontend token', () => setFrontendToken(parts, parts.connections));
  return commands;
}

async function whichModel(parts: PersonaCommandParts, argument: unknown): Promise<void> {
  const ref = await resolveRef(parts, argument, false);
  if (ref === undefined) return;
  const chosen = await chooseContexts(parts, ref, personaOf(argument));
  if (chosen === undefined) return;
  const shown = await vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: `Asking which model ${plainLine(chosen.contexts.map(({ name }) => name).join(', '), 80)} would get`, cancellable: true },
    (_progress, token) => {
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      return ask(parts, ref, chosen.contexts, abort.signal);
    },
  );
  await parts.documents.show(shown);
  // Not awaited: the message stays until somebody closes it.
  void tell(parts, ref, shown, chosen.isNew).catch((error: unknown) => showError(parts.log, 'Save as persona', error));
}

/** The persona that a line of the tree is about. */
function personaOf(argument: unknown): string | undefined {
  const name: unknown = typeof argument === 'object' && argument !== null && 'persona' in argument ? argument.persona : undefined;
  return typeof name === 'string' ? name : undefined;
}

interface Chosen {
  readonly contexts: readonly NamedContext[];
  /** Put together just now, so it may be saved. */
  readonly isNew: boolean;
}

async function chooseContexts(parts: PersonaCommandParts, { connection }: FlagRef, wanted: string | undefined): Promise<Chosen | undefined> {
  const personas = parts.store.personas(connection);
  const named = personas.find(({ name }) => name === wanted);
  if (named !== undefined) return { contexts: [named], isNew: false };
  const recent = recentContexts(parts.memory).filter((context) => !personas.some((persona) => contextKey(persona.context) === contextKey(context)));
  const pick = (label: string, description: string, choose: () => Promise<Chosen | undefined>): vscode.QuickPickItem & { choose: typeof choose } => ({ label, description, choose });
  const isNew = true;
  const items = [
    ...personas.map((persona) => pick(plainLine(persona.name, 60), plainLine(contextWords(persona.context), 120), () => Promise.resolve({ contexts: [persona], isNew: false }))),
    ...(personas.length > 1 ? [pick('All Personas', '', () => Promise.resolve({ contexts: personas, isNew: false }))] : []),
    ...recent.map((context) => pick(plainLine(contextWords(context), 80), 'asked before', () => Promise.resolve({ contexts: [adHoc(context)], isNew }))),
    pick('Other Context...', 'any fields that the project has', async () => {
      const context = await pickContext(await parts.store.readContextFields(connection), recent[0] ?? {});
      if (context === undefined) return undefined;
      const others = recentContexts(parts.memory).filter((each) => contextKey(each) !== contextKey(context));
      await parts.memory.update(RECENT_KEY, [context, ...others].slice(0, MOST_RECENT));
      return { contexts: [adHoc(context)], isNew };
    }),
  ];
  const chosen = await vscode.window.showQuickPick(items, { title: 'Which model would this user get?', placeHolder: 'Who is asking?', matchOnDescription: true });
  return chosen?.choose();
}

function adHoc(context: EvaluationContext): NamedContext {
  return { name: contextWords(context), context };
}

function recentContexts(memory: vscode.Memento): EvaluationContext[] {
  return memory.get<EvaluationContext[]>(RECENT_KEY) ?? [];
}

/** From a fresh reading, whatever the snapshot says. */
async function ask(parts: PersonaCommandParts, ref: FlagRef, contexts: readonly NamedContext[], signal: AbortSignal): Promise<Shown> {
  const { connection, flag: name } = ref;
  const { session, project, baseUrl } = connection;
  if (session === undefined) throw new AppError('auth', `Not signed in to ${connection.origin}.`);
  const facts = flagFacts(parts.connections, connection, name);
  const { flag } = await session.client.readFlag(project, name, signal);
  const order = environmentNames({ ...facts, flag });
  const question: Question = { flag, environments: [...order].sort((a, b) => Number(b === ref.environment) - Number(a === ref.environment)), contexts, mapping: facts.mapping };
  const evaluations = await evaluateAll(session.client, project, [question], facts.snapshot?.flags.size, signal);
  const answers = answersOf(question, evaluations);
  const shown = { flag: name, server: baseUrl, mapping: facts.mapping, contexts, answers, problems: [] };
  const evaluators = await frontendClients(parts, connection);
  if (evaluators.length === 0) return shown;
  try {
    const newest = (await session.client.readEvents({ flag: name, limit: 1 }, signal)).events[0];
    const newestEventAgeMs = newest === undefined ? undefined : Date.now() - Date.parse(newest.createdAt);
    return { ...shown, answers: await withComparisons(question, answers, evaluations, { evaluators, newestEventAgeMs }, signal) };
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'cancelled') throw error;
    parts.log.error('Asking the frontend API', error);
    return { ...shown, problems: [`The frontend API was not compared: ${error.message}`] };
  }
}

async function tell(parts: PersonaCommandParts, ref: FlagRef, { contexts, answers }: Shown, isNew: boolean): Promise<void> {
  const [first] = contexts;
  const words = (named: NamedAnswer): string => `${plainLine(named.name, 80)}: ${answerWords(named.answer)}`;
  const here = answers.filter(({ answer }) => answer.environment === ref.environment).map(words);
  const chosen = await vscode.window.showInformationMessage(`${plainLine(ref.flag, 80)} in ${plainLine(ref.environment, 60)}: ${here.length === 0 ? 'no answer' : here.join('; ')}.`, ...(isNew ? [SAVE] : []));
  if (chosen === SAVE && first !== undefined) await saveAsPersona(parts.connections, ref.connection, first.context);
}
