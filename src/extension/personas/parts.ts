import { escapeMarkdown, plainLine } from '../../core/base/words.ts';
import { answerLines, answerWords } from '../../core/personas/explain.ts';
import type { HoverPart } from '../callsites/hover.ts';
import type { EnvironmentTreePart } from '../flags/flagNodes.ts';
import { Command } from '../ids.ts';
import type { PersonaStore } from './personaStore.ts';

/** Nobody waits longer than this for a line in a hover. */
const HOVER_WAIT_MS = 800;

const shown = (text: string, length?: number): string => escapeMarkdown(plainLine(text, length));

/** Below an environment: what each persona gets, with the reasons as tooltip. */
export function personasTreePart(store: PersonaStore): EnvironmentTreePart {
  return (facts, environment) => {
    const found = store.of(facts);
    const id = `${facts.connection.baseUrl} ${facts.connection.project}/${facts.name}/${environment}#persona`;
    if (found === undefined) return [];
    if (found.kind === 'loading') return [{ kind: 'detail', id, label: 'asking for the personas...', icon: 'person' }];
    if (found.kind === 'failed') return [{ kind: 'detail', id, label: 'personas: no answer', description: plainLine(found.error.message), tooltip: found.error.message, icon: 'warning' }];
    return found.answers.filter(({ answer }) => answer.environment === environment).map(({ name, answer }) => ({
      kind: 'detail',
      id: `${id} ${name}`,
      label: `${plainLine(name, 60)}: ${answerWords(answer)}`,
      description: plainLine(answer.because),
      tooltip: answerLines(answer).join('\n'),
      icon: 'person',
      command: { title: 'Which model would this persona get?', command: Command.whichModel, arguments: [{ connection: facts.connection, flag: facts.name, environment, persona: name }] },
    }));
  };
}

/** In the hover: a line for each persona, about the environment that is named first. */
export function personasHoverPart(store: PersonaStore): HoverPart {
  return async (facts) => {
    const found = await store.settled(facts, HOVER_WAIT_MS);
    const environment = facts.mainEnvironment;
    const title = `**personas** in ${shown(environment, 60)}`;
    if (found === undefined) return '';
    if (found.kind === 'loading') return `${title}: being asked\\.\\.\\.`;
    if (found.kind === 'failed') return `${title}: ${shown(found.error.message, 200)}`;
    const lines = found.answers.filter(({ answer }) => answer.environment === environment)
      .map(({ name, answer }) => `\n- ${shown(name, 60)}: **${shown(answerWords(answer))}** ${shown(answer.because, 160)}`);
    return lines.length === 0 ? '' : `${title}\n${lines.join('')}`;
  };
}
