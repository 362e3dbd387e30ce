import type { Problem } from '../workspace/source.ts';
import { didYouMean } from '../workspace/suggest.ts';
import type { Persona } from '../workspace/config.ts';
import type { ContextField } from './model.ts';

/** Fields that every SDK knows, whether the server lists them or not. */
const STANDARD_FIELDS = ['userId', 'sessionId', 'remoteAddress', 'currentTime', 'environment', 'appName'];

/** Names of all fields that a context may have, standard ones first. */
export function fieldNames(fields: readonly ContextField[]): string[] {
  return [...new Set([...STANDARD_FIELDS, ...fields.map(({ name }) => name)])];
}

/** Properties that are no context field of the server (no condition can be meant by them), and values that it does not know. */
export function personaProblems(personas: readonly Persona[], fields: readonly ContextField[]): Problem[] {
  const known = fieldNames(fields);
  return personas.flatMap((persona) => Object.entries(persona.properties).flatMap(([name, value]): Problem[] => {
    const range = persona.propertyRanges[name] ?? persona.range;
    if (!known.includes(name)) {
      const hint = didYouMean(name, known);
      return [{ code: 'unknownContextField', severity: 'information', message: `Unleash has no context field "${name}", so hardly any condition asks for it.${hint === '' ? ' Create it in Unleash, or correct the name.' : hint}`, range }];
    }
    const legal = fields.find((field) => field.name === name)?.legalValues.map((each) => each.value) ?? [];
    if (legal.length === 0 || legal.includes(value)) return [];
    const hint = didYouMean(value, legal);
    return [{ code: 'unknownContextField', severity: 'information', message: `"${value}" is no legal value of the context field ${name}.${hint === '' ? ` There are: ${legal.slice(0, 10).join(', ')}.` : hint}`, range }];
  }));
}
